"""``mptcp-lab rerun``: a run is repeated in another checkout, and what differs is told."""

import json
import os
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.topology("two_paths")

CONFTEST = 'pytest_plugins = ["lab.plugin"]\n'

MINE = """topology: 1
name: mine
hosts: {client: {}, server: {}}
links:
  wifi: {ends: [client:wifi, server:wifi], subnet: 10.0.1.0/24}
"""

SCENARIO = """
@pytest.mark.topology("mine")
def test_that_draws(flow, capture, result, parameter):
    flow.wait_delivered("20 kB")
    result.figure("drawn", result.random.randrange(10**6), "")
    assert parameter("backup", False)
"""


class Came(NamedTuple):
    """What came of a repetition."""

    status: int
    out: str
    err: str
    runs: list


@pytest.fixture
def elsewhere(inner_pytest, result):
    """A run, and a fresh copy of the project that it was made in, which lacks it."""
    inner = result.directory / "inner"
    said = inner_pytest(
        SCENARIO, "--seed", "7", "--verify", "--parameter", "backup=true",
        "--override", "links.wifi.subnet=10.0.7.0/24",
        files={"conftest.py": CONFTEST, "topologies/mine.yaml": MINE},
    )  # fmt: skip
    assert said.status == 0, said.text
    (run,) = said.results.iterdir()
    project = result.directory / "elsewhere"
    ignored = shutil.ignore_patterns("results", "__pycache__")
    shutil.copytree(inner, project, ignore=ignored)
    kept = result.directory / run.name
    run.rename(kept)
    shutil.rmtree(inner)
    return project, kept


def rerun(project, kept, *options):
    """Run the command in the project."""
    done = subprocess.run(
        [sys.executable, "-m", "lab.start", "rerun", kept, *options],
        cwd=project, capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    files = sorted((project / "results").glob("*/manifest.json"))
    return Came(done.returncode, done.stdout, done.stderr,
                [json.loads(file.read_text("utf-8")) for file in files])  # fmt: skip


def test_a_run_is_repeated_as_it_was(elsewhere):
    """Seed, parameters, topology, its changes and options are the same, and so is the outcome."""
    project, kept = elsewhere

    came = rerun(project, kept)

    assert came.status == 0, came
    assert came.err == ""
    assert "Nothing differs from the run that is known." in came.out
    assert came.out.endswith("The same: passed again.\n")
    assert "checks: verified -> verified" in came.out
    assert re.search(r"  drawn: (\d+) -> \1 \(\+0 %\)\n", came.out)
    first, (second,) = json.loads((kept / "manifest.json").read_text("utf-8")), came.runs
    for key in ("scenario", "seed", "parameters", "overrides", "topology", "options", "verdict"):
        assert first[key] == second[key], key
    assert first["figures"]["drawn"] == second["figures"]["drawn"], "the seed repeats what is drawn"
    assert {file.name for file in (project / "results").iterdir()} == {
        file.parent.name for file in (project / "results").glob("*/manifest.json")
    }, "nothing else is left"


def test_what_differs_is_told_before_it_starts(elsewhere):
    """Another kernel, another setting, and a topology that changed since; --strict refuses."""
    project, kept = elsewhere
    file = kept / "manifest.json"
    manifest = json.loads(file.read_text("utf-8"))
    manifest["kernel"]["release"] = "5.99"
    manifest["before"]["client"]["sysctls"]["net.mptcp.stale_loss_cnt"] = "99"
    file.write_text(json.dumps(manifest), encoding="utf-8")
    topology = project / "topologies" / "mine.yaml"
    topology.write_text(MINE + "# changed since\n", encoding="utf-8")

    refused = rerun(project, kept, "--strict")
    came = rerun(project, kept)

    assert (refused.status, refused.runs) == (4, [])
    assert "error: not started: --strict asks for the same surroundings" in refused.err
    for said in (refused.out, came.out):
        assert "  kernel: 5.99 -> " in said
        assert "  net.mptcp.stale_loss_cnt: 99 (client); " in said
        assert "  topologies/mine.yaml: as in the run's copy, which is used -> changed" in said
    assert came.status == 0, came
    assert came.out.index("kernel: 5.99") < came.out.index("running test_inner.py")
    assert came.out.count("kernel: 5.99") == 1, "what was told before is not told again"
    assert came.runs[0]["topology"]["sha256"] == manifest["topology"]["sha256"]


def test_another_verdict_is_a_status(elsewhere):
    """The scenario has changed since, and fails; its figure is another."""
    project, kept = elsewhere
    scenario = project / "test_inner.py"
    text = scenario.read_text("utf-8")
    scenario.write_text(text.replace('assert parameter("backup", False)',
                                     'assert not parameter("backup", False), "now it fails"'),
                        encoding="utf-8")  # fmt: skip

    came = rerun(project, kept, "--json")

    assert came.status == 3, came
    told = json.loads(came.out)
    assert (told["then"]["verdict"], told["now"]["verdict"]) == ("passed", "failed")
    assert told["same"] is False
    assert "drawn" in [figure["name"] for figure in told["figures"]]


def test_a_test_that_is_gone_is_one_message(elsewhere):
    """Its file is there still."""
    project, kept = elsewhere
    scenario = project / "test_inner.py"
    text = scenario.read_text("utf-8")
    scenario.write_text(text.replace("test_that_draws", "test_renamed"), encoding="utf-8")

    came = rerun(project, kept)

    assert (came.status, came.runs) == (1, [])
    assert came.err == (f"error: no run was made: ERROR: not found: {scenario}::test_that_draws\n")
