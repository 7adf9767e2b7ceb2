"""What a scenario leaves, from beginning to end."""

import pytest
from manifest_keys import unexplained

from lab import result
from lab.result.checking import damages
from lab.run import Verdict

pytestmark = pytest.mark.topology("two_paths")


def test_a_run_leaves_tables_figures_and_an_explained_manifest(inner_pytest):
    """The server's kernel, its capture and the figures agree on how much arrived."""
    said = inner_pytest(
        """
        def test_it(flow, capture, result):
            flow.open_subflow("lte")
            flow.wait_delivered("300 kB")
            result.figure("sent", flow.finish(), "byte")
        """,
        "--verify",
    )

    assert said.status == 0, said.text
    (run,) = result.runs(said.results)
    assert run.verdict is Verdict.PASSED
    assert not [*damages(run)]
    assert not unexplained(run.manifest)
    assert run.figures["delivered"]["value"] == run.figures["sent"]["value"] > 300_000
    metrics = run.table("metrics").to_pylist()
    arrived = [row for row in metrics if (row["host"], row["seen"]) == ("server", "arrived")]
    assert sum(row["first"] for row in arrived) == run.figures["sent"]["value"]
    counters = (run.manifest[when]["server"]["counters"] for when in ("before", "after"))
    before, after = (each["MPJoinAckRx"] for each in counters)
    assert after - before == 1
    assert run.table("calls")["call"][0].as_py() == "open_subflow"
    events = run.table("events").to_pylist()
    assert {row["host"] for row in events if row["name"] == "SUB_ESTABLISHED"} == {
        "client", "server",
    }  # fmt: skip
