"""A pytest inside a scenario, for what pytest says of scenarios; connections with a peer."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest
from vde_switch import skip_unless_there, switch

import mptcpapi
from lab.events import EventLog
from lab.peer import Connection, Peer, meanwhile

SOURCE = Path(__file__).parent / "programs" / "ioth_shouting.c"

VERSIONS = {"ipv4": 4, "ipv6": 6}
FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
SERVER = {"ipv4": "10.0.9.2", "ipv6": "fd00:9::2"}

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

    def run(scenarios, *options, results=inner / "results", files=(), measured=False):
        for name, content in {"test_inner.py": PREAMBLE.format(**names) + dedent(scenarios),
                              **dict(files)}.items():  # fmt: skip
            (inner / name).parent.mkdir(exist_ok=True)
            (inner / name).write_text(content, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-v", "-ra", "-p", "lab.plugin",
             "-p", "no:cacheprovider", "--rootdir", inner, "--results", results,
             *(() if measured else ("--no-measure",)), *options, "test_inner.py"],
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


@pytest.fixture
def vde_network(tmp_path):
    """The locator of a VDE network that the test has for itself."""
    with switch(tmp_path) as locator:
        yield locator


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Compile a plug-in into ``~/.ioth``, of a home that the test has for itself."""
    skip_unless_there("gcc")
    directory = tmp_path / ".ioth"
    directory.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))

    def compiled(name, *macros, suffix=""):
        file = directory / f"ioth_{name}{suffix}.so"
        macros = [f"-D{macro}" for macro in (f"NAME={name}", *macros)]
        subprocess.run(
            [
                "gcc",
                "-shared",
                "-fPIC",
                "-Wall",
                "-Werror",
                "-pthread",
                *macros,
                "-o",
                file,
                SOURCE,
            ],
            check=True,
        )
        return file

    return compiled


class Ends(NamedTuple):
    """A connection between a kernel and a scripted peer, on which data went both ways."""

    peer: Peer
    connection: Connection
    """The peer's end."""
    socket: mptcpapi.Socket
    """The kernel's end."""
    events: EventLog
    """What the kernel says."""


@pytest.fixture
def dialled(client, server, capture, result, family):
    """A connection from the client's kernel to a peer in the server's place."""
    version = VERSIONS[family]
    with Peer(server, result) as peer, EventLog(client, result) as events:
        at = peer.listen(peer.address(version))
        with client.stack():
            sock = mptcpapi.Socket(FAMILIES[family])
        with sock:
            sock.settimeout(5)
            with meanwhile(sock.connect, at):
                connection = peer.accept()
            exchange(sock, connection)
            yield Ends(peer, connection, sock, events)


@pytest.fixture
def served(client, server, capture, result, family):
    """A connection from a peer in the client's place to the server's kernel; joins are let in."""
    with at_server(client, server, result, family) as ends:
        exchange(ends.socket, ends.connection)
        yield ends


@pytest.fixture
def checking(client, server, capture, result, family):
    """As ``served``, with checksums agreed upon, and no data yet."""
    with at_server(client, server, result, family, flags="HA") as ends:
        yield ends


@pytest.fixture
def checked(checking):
    """As ``served``, with checksums."""
    exchange(checking.socket, checking.connection)
    return checking


@contextmanager
def at_server(client, server, result, family, **options):
    """Have a peer in the client's place connect to the server."""
    with Peer(client, result) as peer, EventLog(server, result) as events:
        with server.stack():
            mptcpapi.set_limits(subflows=2, add_addr_accepted=2)
            at = (SERVER[family], 5001)
            listener = mptcpapi.create_server(at, family=FAMILIES[family])
        with listener:
            listener.settimeout(5)
            connection = peer.connect(at, **options)
            accepted, _ = listener.accept()
            with accepted:
                accepted.settimeout(5)
                yield Ends(peer, connection, accepted, events)


def exchange(sock, connection):
    """Send data both ways: now the kernel knows that the peer speaks MPTCP."""
    connection.send(b"hello")
    assert sock.recv(5) == b"hello"
    sock.sendall(b"hello")
    connection.expect(b"hello")
