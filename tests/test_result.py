"""The directory that a run leaves."""

import io
import json
import random
import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from rich.console import Console

from lab import result
from lab.errors import UsageError
from lab.report import tables
from lab.result import find_run
from lab.run import FORMAT, Run, Verdict

RUNS = Path(__file__).parent / "data" / "runs"


def manifest(run):
    return json.loads((run.directory / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path, "scenarios/test_open.py::test_it[ipv4]", seed=7)
    yield run
    run.end(Verdict.PASSED)  # closes its files


def test_a_run_that_never_ends_says_so(run):
    assert manifest(run)["format"] == FORMAT
    assert manifest(run)["verdict"] == "incomplete"


def test_the_end_has_verdict_and_reason(run):
    run.end(Verdict.INVALID, "2 packets are missing")

    kept = manifest(run)
    assert (kept["verdict"], kept["reason"]) == ("invalid", "2 packets are missing")
    assert kept["started"] <= kept["ended"]


def test_records_are_readable_while_the_run_goes_on(run):
    run.record("call", call="open_subflow", result={"id": 2})
    run.record("event", host="server", name="SUB_ESTABLISHED", event={})

    kept = result.open(run.directory)
    assert [record["kind"] for record in kept.records] == ["call", "event"]
    assert kept.records[0]["result"] == {"id": 2}


def test_the_topology_is_kept_with_its_hash(run, tmp_path):
    file = tmp_path / "some.yaml"
    file.write_bytes(b"topology: 1\n")

    run.keep_topology("some", file)

    assert (run.directory / "topology.yaml").read_bytes() == b"topology: 1\n"
    assert manifest(run)["topology"] == {
        "name": "some",
        "sha256": sha256(b"topology: 1\n").hexdigest(),
    }


def test_descriptions_are_merged(run):
    run.describe(captures={"client": 1})
    run.describe(captures={"server": 2})

    assert manifest(run)["captures"] == {"client": 1, "server": 2}


def test_figures_are_kept_with_their_units(run):
    run.figure("setup", 0.5, "s", "lower")
    run.figure("paths", 2, "")
    run.figure("setup", 0.25, "s", "lower")

    assert result.open(run.directory).figures == {
        "setup": {"value": 0.25, "unit": "s", "better": "lower"},
        "paths": {"value": 2, "unit": "", "better": None},
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rtt", float("nan"), "s"), "the figure 'rtt' needs a finite number, not nan"),
        (("rtt", "0.1", "s"), "needs a finite number, not '0.1'"),
        (("rtt", True, "s"), "needs a finite number, not True"),
        (("", 1, "s"), "the figure '' needs a name"),
        (("rtt", 1, None), "needs a unit"),
        (("rtt", 1, "s", "less"), "better is 'less' (known: 'higher', 'lower', None)"),
    ],
)
def test_what_is_no_figure_is_refused(run, arguments, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        run.figure(*arguments)

    assert not result.open(run.directory).figures


def test_the_last_manifest_tells_what_the_files_hold(run):
    run.log("output.txt", "bad \udcff octets")
    run.end(Verdict.PASSED)

    files = manifest(run)["files"]
    assert files["logs/output.txt"] == {
        "size": 17,
        "sha256": sha256(b"bad \\udcff octets").hexdigest(),
    }
    assert sorted(files) == ["logs/output.txt", "records.jsonl"]


def test_many_threads_describe_one_run(run):
    with ThreadPoolExecutor(8) as threads:
        for number in range(100):
            threads.submit(run.figure, f"figure {number}", number, "")

    assert len(result.open(run.directory).figures) == 100


@pytest.mark.parametrize("number", [1, 2])
def test_runs_of_each_format_are_read(number):
    kept = result.open(RUNS / f"format{number}")

    assert kept.manifest["format"] == number
    assert kept.verdict is Verdict.PASSED
    assert {record["kind"] for record in kept.records} == {"call", "event"}
    assert set(kept.captures) == {"client", "server"}


def test_a_seed_repeats_what_is_drawn(run):
    assert run.random.random() == random.Random(7).random()  # noqa: S311


def test_two_runs_of_one_scenario_have_two_directories(tmp_path):
    runs = [Run(tmp_path, "same", seed=1) for _ in range(20)]
    for run in runs:
        run.end(Verdict.PASSED)

    assert len({run.directory for run in runs}) == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": 99}', "format 99 is not known here (known: 1, 2)"),
        ("[]", "format None is not known here"),
        ("{", "not JSON"),
    ],
)
def test_a_foreign_manifest_is_refused(run, text, message):
    run.end(Verdict.PASSED)
    (run.directory / "manifest.json").write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=re.escape(message)):
        result.open(run.directory)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is no run"):
        result.open(tmp_path)


def test_a_run_is_found_by_path_by_name_and_as_the_newest(tmp_path):
    first, second = (Run(tmp_path / "results", "it", seed=1) for _ in range(2))
    for run in (first, second):
        run.end(Verdict.PASSED)
    results = tmp_path / "results"

    assert find_run(first.directory, results) == first.directory
    assert find_run(Path(first.directory.name), results) == first.directory
    assert find_run(None, results) == max(first.directory, second.directory)
    with pytest.raises(UsageError, match="no run in"):
        find_run(None, tmp_path / "nowhere")


def test_a_place_where_no_run_can_be_kept_is_named(tmp_path):
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(UsageError, match=f"no run can be kept in {file}: Not a directory"):
        Run(file, "it", seed=1)


def test_a_manifest_is_shown_in_words(run):
    run.describe(
        command=["mptcp-lab", "demo", "--results", "my results"],
        git={"commit": None, "changed": False},
        captures={"client": {"received": 7, "dropped": 0}},
    )

    screen = Console(width=80, record=True, file=io.StringIO())
    for part in tables(result.open(run.directory)):
        screen.print(part)

    text = screen.export_text()
    for line in (
        "mptcp-lab demo --results 'my results'",
        "commit unknown",
        "changed no",
        "client received 7, dropped 0",
    ):
        assert line in text
