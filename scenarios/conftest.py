"""A pytest inside a scenario, for what pytest says of scenarios; a connection that is idle."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

import mptcpapi

PREAMBLE = """
import os
import resource
import signal
from pathlib import Path

import pytest

import mptcpapi
from lab.errors import UsageError
from lab.wire.mptcp import MpPrio
from mptcpapi import EventKind

TWO_PATHS = {two_paths!r}
HANDOVER = {handover!r}
pytestmark = pytest.mark.topology(TWO_PATHS)

"""


class Said(NamedTuple):
    """What came of a pytest."""

    status: int
    text: str
    results: Path

    @property
    def runs(self):
        """The manifests of its runs, by the names of the tests."""
        found = (json.loads(file.read_text("utf-8")) for file in self.results.glob("*/man*.json"))
        return {manifest["scenario"].rpartition("::")[2]: manifest for manifest in found}


@pytest.fixture
def inner_pytest(request, result):
    """Run scenarios in a pytest of their own, below the present run's directory."""
    inner = result.directory / "inner"
    inner.mkdir()
    topologies = request.config.rootpath / "topologies"
    names = {name: str(topologies / f"{name}.yaml") for name in ("two_paths", "handover")}

    def run(scenarios, *options, results=inner / "results", files=()):
        for name, content in {"test_inner.py": PREAMBLE.format(**names) + dedent(scenarios),
                              **dict(files)}.items():  # fmt: skip
            (inner / name).parent.mkdir(exist_ok=True)
            (inner / name).write_text(content, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-v", "-ra", "-p", "lab.plugin",
             "-p", "no:cacheprovider", "--rootdir", inner, "--results", results,
             *options, "test_inner.py"],
            cwd=inner, capture_output=True, text=True, check=False,
            env=os.environ | {"COLUMNS": "300"},
        )  # fmt: skip
        (inner / "said").write_text(done.stdout + done.stderr, encoding="utf-8")
        return Said(done.returncode, done.stdout + done.stderr, results)

    return run


@pytest.fixture
def sock(client, server):
    """The client's end of a connection that has carried a byte each way.

    No more: where much is sent, Linux 6.18 may take one segment for another (docs/mptcpapi.md).
    """
    with server.stack():
        # The kernel's path manager would refuse a third subflow while it still closes another.
        mptcpapi.set_path_manager("userspace")
        listener = mptcpapi.create_server(("10.0.9.2", 0))
    with listener, ExitStack() as undo:
        with client.stack():
            sock = undo.enter_context(mptcpapi.create_connection(listener.getsockname()))
        accepted = undo.enter_context(listener.accept()[0])
        for sender, receiver in ((sock, accepted), (accepted, sock)):
            sender.sendall(b"x")
            assert receiver.recv(1) == b"x"
        yield sock
