"""What pytest says of scenarios that cannot be judged, cannot be run, or fail."""

import json
import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.topology("two_paths")

SCENARIOS = """
import os
import signal
from pathlib import Path

import pytest

from lab.wire.mptcp import MpPrio


@pytest.mark.topology({two_paths!r})
def test_that_passes(client, result):
    assert client.run("true") == ""


@pytest.mark.topology({two_paths!r})
def test_that_fails(flow, capture):
    flow.wait_delivered("20 kB")
    capture.at("server").only(MpPrio)


@pytest.mark.topology({two_paths!r})
def test_whose_capture_dies(flow, capture):
    flow.wait_delivered("20 kB")
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        if b"server.pcap" in process.read_bytes():
            os.kill(int(process.parent.name), signal.SIGKILL)


@pytest.mark.topology({handover!r})
def test_that_needs_delay(flow):
    raise AssertionError("it was run without the delay")


@pytest.mark.topology("mistaken.yaml")
def test_of_a_mistaken_file(net):
    raise AssertionError("it was run all the same")


def test_without_topology(net):
    raise AssertionError("it was run without a network")
"""

MISTAKEN = """topology: 1
name: mistaken
hosts: {client: {}}
lnks: {}
"""


@pytest.fixture
def inner(request, result):
    """Where pytest has run the scenarios above; ``inner / "said"`` is what it printed."""
    topologies = request.config.rootpath / "topologies"
    names = {name: str(topologies / f"{name}.yaml") for name in ("two_paths", "handover")}
    inner = result.directory / "inner"
    inner.mkdir()
    (inner / "test_inner.py").write_text(SCENARIOS.format(**names), encoding="utf-8")
    (inner / "mistaken.yaml").write_text(MISTAKEN, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-v", "-ra", "-p", "lab.plugin",
               "-p", "no:cacheprovider", "--rootdir", inner, "--results", inner / "results",
               "test_inner.py"]  # fmt: skip
    with (inner / "said").open("w", encoding="utf-8") as said:
        subprocess.run(
            command, cwd=inner, stdout=said, env=os.environ | {"COLUMNS": "300"}, check=False
        )
    return inner


def test_each_end_is_told_apart(inner):
    """Passed, failed, skipped, invalid; a mistake in a file, and a test without a network."""
    said = (inner / "said").read_text(encoding="utf-8")

    for expected in (
        r"::test_that_passes PASSED",
        r"::test_that_fails FAILED",
        r"::test_that_needs_delay SKIPPED",
        r"::test_whose_capture_dies INVALID",
        r"::test_of_a_mistaken_file ERROR",
        r"::test_without_topology ERROR",
        r"expected one MpPrio at server, saw 0; the capture has \{MpCapable: 4, Dss: \d+\}",
        r"look at it: \S+ show results/\S+-test-that-fails-",
        r"link 'wifi' declares delay, which this version cannot emulate yet",
        r"the capture at server is not complete: its recorder ended",
        r"mistaken\.yaml:4:1: unknown key 'lnks' \(did you mean 'links'\?",
        r"mark it with @pytest\.mark\.topology\('NAME'\)",
        r"1 failed, 1 passed, 1 skipped, 2 errors, 1 invalid",
    ):
        assert re.search(expected, said), f"{expected!r} is not in:\n{said}"
    assert "fixtures.py" not in said, "frames of the lab tell the author of a scenario nothing"
    verdicts = sorted(
        json.loads(file.read_text(encoding="utf-8"))["verdict"]
        for file in inner.glob("results/*/manifest.json")
    )
    assert verdicts == ["failed", "invalid", "passed", "skipped"]
