"""Connections of any process: how they are found, and borrowed."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from errno import EBADF, ENOENT, ENOTCONN, EOPNOTSUPP, ESRCH
from pathlib import Path
from typing import Any

import pytest
from kernel_answers import message
from own_process import descriptors, left

import mptcpapi
from mptcpapi import (
    Borrowed,
    ConnectionEnded,
    Endpoint,
    FallenBack,
    InvalidArgument,
    NoSuchConnection,
    Owner,
    Socket,
    SocketClosed,
    TcpState,
    Unavailable,
    Unsupported,
)
from mptcpapi.discovery import decode_connection
from mptcpapi.processes import program_of

NO_PROCESS = 2**22 + 1
"""Above the most that /proc/sys/kernel/pid_max can be."""


@pytest.fixture
def listener() -> Iterator[Socket]:
    try:
        mptcpapi.connections()
        listener = mptcpapi.create_server(("127.0.0.1", 0))
    except (Unavailable, Unsupported) as reason:
        pytest.skip(str(reason))
    with listener:
        yield listener


@pytest.fixture
def client(listener: Socket) -> Iterator[Socket]:
    with mptcpapi.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            yield client


def own(sock: Socket) -> Owner:
    return Owner(os.getpid(), sock.fileno(), Path("/proc/self/comm").read_text("utf-8").strip())


@pytest.mark.parametrize(
    ("name", "host", "fallback"),
    [
        ("connection_v4", "127.0.0.1", False),
        ("connection_v6", "::1", False),
        ("connection_fallback", "127.0.0.1", True),
    ],
)
def test_a_connection_is_decoded(name: str, host: str, fallback: bool) -> None:
    found = decode_connection(message(name))

    assert (found.local.host, found.remote.host, found.fallback) == (host, host, fallback)
    assert (found.state, found.subflows, found.uid) == (TcpState.ESTABLISHED, 1, 0)
    assert found.token == found.info.token != 0
    assert found.info.bytes_sent == (0 if fallback else 1000)


def test_connections_have_their_owners(client: Socket) -> None:
    found = {each.token: each for each in mptcpapi.connections()}

    mine = found[client.token()]
    assert mine.local == Endpoint(*client.getsockname())
    assert mine.remote == Endpoint(*client.getpeername())
    assert mine.owners == (own(client),)
    assert 0 not in found  # listens
    assert list(found) == sorted(found)


def test_a_connection_of_two_processes(client: Socket) -> None:
    os.set_inheritable(client.fileno(), True)
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"], pass_fds=[client.fileno()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        child.stdout.readline()
        (mine,) = (each for each in mptcpapi.connections() if each.token == client.token())
        child.communicate(b"\n")

    assert {owner.pid for owner in mine.owners} == {os.getpid(), child.pid}


def test_a_connection_that_fell_back() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        mptcpapi.create_connection(listener.getsockname(), fallback=True) as client,
    ):
        mine = [
            each for each in mptcpapi.connections() if each.local == Endpoint(*client.getsockname())
        ]
        assert [each.fallback for each in mine] == [True]
        with pytest.raises(FallenBack, match=f"{mine[0].token:08x} has fallen back"):
            Borrowed.of_token(mine[0].token)


def test_a_borrowed_connection_is_the_same(client: Socket) -> None:
    with Borrowed.of_token(client.token()) as borrowed:
        assert borrowed.fileno() != client.fileno()
        assert mptcpapi.subflows(borrowed) == client.subflows()
        assert not os.get_inheritable(borrowed.fileno())
    borrowed.close()

    assert client.getblocking()
    assert client.in_use()
    with pytest.raises(SocketClosed):
        mptcpapi.token(borrowed)


def test_nothing_is_kept_of_what_cannot_be_borrowed(listener: Socket, tmp_path: Path) -> None:
    before = descriptors()

    with socket.socket() as tcp, (tmp_path / "file").open("w") as file, Socket() as idle:
        for sock, kind, code in (
            (tcp, FallenBack, EOPNOTSUPP),
            (listener, ConnectionEnded, ENOTCONN),
            (idle, ConnectionEnded, ENOTCONN),
            (file, InvalidArgument, None),
        ):
            text = f"descriptor {sock.fileno()} of process {os.getpid()} "
            with pytest.raises(kind, match=text) as refusal:
                Borrowed.of_process(os.getpid(), sock.fileno())
            assert code in {None, refusal.value.errno}

    assert not left(descriptors, before)


@pytest.mark.parametrize("pid", [NO_PROCESS, 0, -1])
def test_no_such_process(pid: int) -> None:
    with pytest.raises(NoSuchConnection, match=f"there is no process {pid}") as refusal:
        Borrowed.of_process(pid, 0)
    assert refusal.value.errno == ESRCH


@pytest.mark.parametrize("fd", [10**6, -1])
def test_no_such_descriptor(fd: int) -> None:
    with pytest.raises(NoSuchConnection, match=f"descriptor {fd} .* is not open") as refusal:
        Borrowed.of_process(os.getpid(), fd)
    assert refusal.value.errno == EBADF


def test_no_such_token(listener: Socket) -> None:
    with pytest.raises(NoSuchConnection, match="has the token 00000001") as refusal:
        Borrowed.of_token(1)
    assert refusal.value.errno == ENOENT


@pytest.mark.parametrize(
    ("pid", "fd", "expected"),
    [
        (2**40, 3, ESRCH),
        (-1, 3, ESRCH),
        (os.getpid(), 2**32, EBADF),
        (os.getpid(), 2**70, EBADF),
        (os.getpid(), -1, EBADF),
    ],
)
def test_numbers_that_c_would_cut_down(pid: int, fd: int, expected: int) -> None:
    """Descriptor 2**32 is not descriptor 0."""
    with pytest.raises(NoSuchConnection, match=r"there is no process|is not open") as refusal:
        Borrowed.of_process(pid, fd)

    assert refusal.value.errno == expected


@pytest.mark.parametrize(("pid", "fd"), [("1", 3), (1, "3"), (1, None), (True, 3), (1, 2.0)])
def test_places_that_are_no_numbers(pid: Any, fd: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected an integer"):
        Borrowed.of_process(pid, fd)


@pytest.mark.parametrize("token", ["8591ee50", None, True, 1.0])
def test_tokens_that_are_no_numbers(token: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected an integer of 32 bits"):
        Borrowed.of_token(token)


def test_a_name_that_would_steer_a_terminal() -> None:
    """Any process may give itself any name."""
    script = (
        "import ctypes; ctypes.CDLL(None).prctl(15, b'ev\\x1b[31m\\n'); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        name = program_of(process.pid)
        process.communicate(b"\n")

    assert name == "ev?[31m?"
