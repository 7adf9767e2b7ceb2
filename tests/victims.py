"""A pytest with one scenario that uses everything which has a process, and those processes."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import left_behind

TOPOLOGY = """
topology: 1
name: everything
hosts:
  client: {path_manager: userspace}
  server: {}
routers:
  gw: {}
links:
  wifi:
    ends: [client:wifi, gw:wifi]
    subnet: 10.0.1.0/24
    rate: 20 Mbit/s
    delay: 5 ms
  lte:
    ends: [client:lte, gw:lte]
    subnet: 10.0.2.0/24
    rate: 10 Mbit/s
    middlebox: [{sequence: {}}]
  core: {ends: [gw:core, server:core], subnet: 10.0.9.0/24}
"""

SCENARIO = """
from pathlib import Path

import pytest

from lab.timeline import Reshape, at


@pytest.mark.topology("everything.yaml")
def test_everything(client, server, flow, capture, timeline):
    flow.open_subflow("lte")
    last = at("{seconds} s", Reshape("lte", rate="5 Mbit/s"))
    playing = timeline(at("0.5 s", Reshape("wifi", delay="8 ms")), last)
    Path("begun").touch()
    playing.wait(last)
    flow.wait_delivered("100 kB")

    assert capture.at("server").payload() > 100_000
    Path("ended").touch()
    for node in (client, server):
        assert node.cmd("echo here").strip() == "here"
"""
"""What follows the second mark, and the end of the flow and the captures, needs every process."""

KINDS = ("pytest", "outside", "init", "session", "wirefilter", "relay", "recorder", "shell")
"""Processes of a lab: first the four of which each is the parent of the next."""

_LINES = {
    "outside": re.compile(r"-m lab\.sandbox "),
    "init": re.compile(r"-m lab\.sandbox "),
    "session": re.compile(r"^\S+ -m lab\.session "),
    "wirefilter": re.compile(r"^wirefilter "),
    "relay": re.compile(r"from lab\.middlebox\.relay import"),
    "recorder": re.compile(r"^\S+ -I -S \S+recorder\.py "),
    "shell": re.compile(r"^bash .*mininet:"),
}
"""Their command lines."""

DEADLINE = 60.0
"""seconds"""


class Everything:
    """The pytest, started in ``directory`` and a sandbox of its own; ``seconds`` of its body."""

    def __init__(self, directory, seconds):
        directory.mkdir()
        self._directory, self._mark = directory, f"EVERYTHING={directory}"
        (directory / "everything.yaml").write_text(TOPOLOGY, encoding="utf-8")
        (directory / "test_everything.py").write_text(
            SCENARIO.format(seconds=seconds), encoding="utf-8"
        )
        environment = {k: v for k, v in os.environ.items() if k != "MPTCP_LAB_SANDBOX"}
        with (directory / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-p", "lab.plugin", "-p", "no:cacheprovider",
                 "--rootdir", directory, "--results", directory / "results", "--verify",
                 "--no-measure", "--backend", "wirefilter", "test_everything.py"],
                cwd=directory, stdout=said, stderr=said, stdin=subprocess.DEVNULL,
                env=environment | {"EVERYTHING": str(directory)},
            )  # fmt: skip

    def has(self, mark):
        """Whether the scenario has come to its mark: begun, ended."""
        return (self._directory / mark).exists()

    def is_over(self):
        """Whether the pytest has ended."""
        return self._process.poll() is not None

    def processes(self):
        """All that have not ended; command lines by PID."""
        return left_behind.processes(self._mark)

    def of_kind(self, kind):
        """The PIDs of those of that kind."""
        if kind == "pytest":
            return [] if self.is_over() else [self._process.pid]
        found = [pid for pid, line in self.processes().items() if _LINES[kind].search(line)]
        if kind not in KINDS[:4]:
            return found
        above = self.of_kind(KINDS[KINDS.index(kind) - 1])
        return [pid for pid in found if left_behind.parent(pid) in above]

    def wait(self, condition):
        """Return when it holds, or the pytest has ended: whether it has not."""
        end = time.monotonic() + DEADLINE
        while not self.is_over() and not condition():
            assert time.monotonic() < end, self.said()
            time.sleep(0.005)
        return not self.is_over()

    def status(self):
        """The exit status of the pytest, when it has ended."""
        return self._process.wait(DEADLINE)

    def verdict(self):
        """The verdict of its run; None if it has made none."""
        for file in self._directory.glob("results/*/manifest.json"):
            return json.loads(file.read_text(encoding="utf-8"))["verdict"]
        return None

    def said(self):
        """Its output."""
        return (self._directory / "said").read_text(encoding="utf-8", errors="replace")

    def end(self):
        """Kill what is left; the rest follows."""
        self._process.kill()
        self._process.wait(DEADLINE)


def kill(pid):
    """End a process at once, and wait until it has: False if it had ended before."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            return bool(select.select([descriptor], [], [], DEADLINE)[0])
        finally:
            os.close(descriptor)
    return False
