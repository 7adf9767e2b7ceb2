"""A sandbox leaves nothing, however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCENARIO = """
import signal

import pytest


@pytest.mark.topology({topology!r})
def test_in_the_middle(flow):
    flow.open_subflow("lte")
    flow.wait_delivered_more("100 kB")
    print("IN THE MIDDLE", flush=True)
    signal.pause()
"""

DEADLINE = 20.0


def children() -> dict[int, list[int]]:
    """The PIDs of all processes by their parents."""
    found: dict[int, list[int]] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            status = (directory / "status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it has ended
        match = re.search(r"^State:\s(\w).*^PPid:\s(\d+)", status, re.DOTALL | re.MULTILINE)
        if match and match[1] != "Z":
            found.setdefault(int(match[2]), []).append(int(directory.name))
    return found


def descendants(pid: int) -> list[int]:
    """The process, its children, their children, …"""
    table, found = children(), [pid]
    for each in found:
        found += table.get(each, [])
    return found


def traces() -> dict[str, object]:
    """What a lab could leave behind on the machine, which here is the sandbox around the test."""
    return {
        "interfaces": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "mounts": Path("/proc/self/mounts").read_text(encoding="utf-8"),
        "names": Path("/etc/hosts").read_text(encoding="utf-8"),
        "temporary files": sorted(path.name for path in Path(os.environ["TMPDIR"]).iterdir()),
    }


@pytest.fixture
def pytest_in_the_middle(request, result):
    """A pytest of its own, in a sandbox of its own, that waits in the middle of a scenario."""
    topology = request.config.rootpath / "topologies" / "two_paths.yaml"
    inner = result.directory / "inner"  # the temporary files of this sandbox are hidden in that one
    inner.mkdir()
    file = inner / "test_middle.py"
    file.write_text(SCENARIO.format(topology=str(topology)), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-s", "-p", "lab.plugin", "-p", "no:cacheprovider",
               "--rootdir", inner, "--results", inner / "results", file]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if k != "MPTCP_LAB_SANDBOX"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout:
            if "IN THE MIDDLE" in line:
                break
        else:
            pytest.fail("the inner pytest ended before the middle of its scenario")
        yield process
        process.kill()


@pytest.mark.topology("two_paths")
@pytest.mark.parametrize("victim", [0, 3], ids=["pytest", "inner-pytest"])
def test_kill_in_the_middle_of_a_scenario(request, result, victim):
    """After kill -9 of any of its processes no process, interface, mount or file remains."""
    before = traces()
    process = request.getfixturevalue("pytest_in_the_middle")
    family = descendants(process.pid)
    chain = family[:4]

    os.kill(chain[victim], signal.SIGKILL)
    process.wait(timeout=DEADLINE)
    end = time.monotonic() + DEADLINE
    while alive := set(family) & set(descendants(1)):
        assert time.monotonic() < end, f"still there: {alive}"
        time.sleep(0.01)

    assert len(family) > 7, "the inner lab had shells and recorders"
    assert traces() == before
    (manifest,) = result.directory.glob("inner/results/*/manifest.json")
    assert '"verdict": "incomplete"' in manifest.read_text(encoding="utf-8")


def test_the_settings_of_the_machine_are_out_of_reach():
    """Only the network's settings, which are the sandbox's own, can be written."""
    assert not os.access("/proc/sys/vm/swappiness", os.W_OK)
    assert os.access("/proc/sys/net/ipv4/ip_forward", os.W_OK)
