"""Many labs on one machine at once, each with the same names and addresses, and each by itself."""

import pytest

pytestmark = pytest.mark.topology("two_paths")

LABS = 8

SCENARIO = """
import time

LABS = {labs}

@pytest.mark.parametrize("number", range(LABS))
def test_it(flow, capture, result, number):
    here = result.directory.parent
    (here / f"up-{{number}}").touch()
    end = time.monotonic() + 120
    while len(list(here.glob("up-*"))) < LABS:  # none goes on until all are up
        assert time.monotonic() < end, "not all labs are up"
        time.sleep(0.05)
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("100 kB")
    seen = capture.until("server", lambda seen: seen.joins())
    (join,) = seen.joins()
    join.verify(seen.connection())
    assert join.initiator == lte.local
"""


def test_eight_labs_at_once(inner_pytest):
    """Each sees its own connection, and nothing of the others, which have the same addresses."""
    said = inner_pytest(SCENARIO.format(labs=LABS), "-n", str(LABS))

    assert len(said.runs) == LABS, said.text
    assert {run["verdict"] for run in said.runs.values()} == {"passed"}, said.text
