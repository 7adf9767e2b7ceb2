"""A node whose shell cannot start is an error that says so, and never a wait."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.build import Network
from lab.errors import CommandFailed

pytestmark = pytest.mark.topology("two_paths")


def test_a_shell_that_cannot_start(topology, tmp_path, monkeypatch):
    """The error has the node, what was run there, its status and its words."""
    broken = tmp_path / "bash"
    broken.write_text("#!/bin/sh\necho no shell today\nexit 3\n", encoding="ascii")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with Network(topology) as network, pytest.raises(CommandFailed) as failed:
        network.node("client").cmd("true")

    assert (failed.value.host, failed.value.status) == ("client", 3)
    assert "no shell today" in str(failed.value)


def test_a_shell_is_started_when_it_is_needed(topology):
    """Only a node that is to run something has a process; it sees its interfaces, in /sys too."""
    with Network(topology) as network:
        client = network.node("client")
        before = children()
        devices = client.cmd("ls /sys/class/net").split()

        assert len(children() - before) == 1
        assert {*devices} == {"lo", "wifi", "lte"}
        assert client.pexec("ls", "/sys/class/net")[0].split() == devices
        assert client.shell.poll() is None
    assert children() <= before


def children():
    """The processes that this one has started and that have not ended."""
    task = Path("/proc/self/task")
    return {pid for each in task.glob("*/children") for pid in each.read_text("ascii").split()}


def test_a_shell_that_ends_later(topology):
    """A command that ends its shell is an error too."""
    with Network(topology) as network, pytest.raises(CommandFailed, match="at gw: status 5"):
        network.node("gw").cmd("exit 5")


LIMITED = """
umount --recursive /proc/sys
exec unshare --user --map-root-user bash -c '
echo "$0" > /proc/sys/user/max_net_namespaces || exit 99
exec "$@"' "$@"
"""
"""A user namespace has limits of its own, so that the machine's stay as they are; below mounts that
hide a part of /proc it could have no sandbox."""


@pytest.mark.parametrize("limit", [2, 4], ids=["node", "wire"])
def test_too_few_namespaces(request, topology, limit):
    """The setting that allows too few for a network is named, with a number that is enough."""
    up = [sys.executable, "-m", "lab.start", "up", "topologies/two_paths.yaml"]
    limited = ["unshare", "--mount", "bash", "-c", LIMITED, "bash", str(limit)]

    done = subprocess.run(
        [*limited, *up], cwd=request.config.rootpath, capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "MPTCP_LAB_SANDBOX"},
    )  # fmt: skip

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"user.max_net_namespaces is {limit}." in done.stderr
    assert "sysctl -w user.max_net_namespaces=10000" in done.stderr
