"""Sockets that go to other processes: by fork, and as multiprocessing sends them."""

import copy
import multiprocessing
import os
import pickle
import socket
from collections.abc import Callable
from errno import EBADF, EINVAL
from pathlib import Path
from typing import Any

import pytest
from other_process import PATIENCE, Own, received, tell, tell_of_received

import mptcpapi
from mptcpapi import InvalidArgument, Socket, SocketClosed
from mptcpapi.processes import sockets_of
from mptcpapi.testing import FakeStack

STARTS = multiprocessing.get_all_start_methods()
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
"""Python 3.12 warns of it where threads run, as that which hands over descriptors does."""


def as_argument(context: Any, sock: Socket) -> Any:
    process = context.Process(target=tell, args=(sock,), daemon=True)
    process.start()
    return process


def over_a_pipe(context: Any, sock: Socket) -> Any:
    here, there = context.Pipe()
    with here, there:
        process = context.Process(target=tell_of_received, args=(there,), daemon=True)
        process.start()
        here.send(sock)
        process.join(PATIENCE)
    return process


@pytest.mark.parametrize("send", [as_argument, over_a_pipe])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("kind", [Socket, Own])
def test_a_socket_goes_to_another_process(
    listener: Socket, kind: type[Socket], start: str, send: Callable[[Any, Socket], Any]
) -> None:
    """It is of its class there, has its timeout, and goes on accepting subflows."""
    with mptcpapi.create_connection(listener.getsockname(), PATIENCE) as client:
        with kind(fileno=listener.dup().detach()) as other:
            other.settimeout(PATIENCE)  # made of a descriptor, it has none
            server, _ = other.accept()
        with server:
            server.settimeout(7)
            process = send(multiprocessing.get_context(start), server)
        process.join(PATIENCE)

        with client.makefile("rb") as told:
            expected = (kind.__name__, mptcpapi.IPPROTO_MPTCP, 7.0, True)
            assert told.read() == repr(expected).encode()


def test_what_it_listens_at_goes_along(listener: Socket) -> None:
    listener.settimeout(PATIENCE)
    with mptcpapi.create_connection(listener.getsockname(), PATIENCE) as client:
        server, _ = listener.accept()
        server.settimeout(PATIENCE)
        client.sendall(b"x")
        assert server.recv(1) == b"x"
        number = server.announce(("127.0.0.2", 0), listen=True)
        here, there = multiprocessing.Pipe()
        with here, there, server:
            here.send(server)
            other: Socket = received(there)
        with other:
            socket.create_connection(("127.0.0.2", listener.getsockname()[1]), PATIENCE).close()
            other.withdraw(number)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", listener.getsockname()[1]), PATIENCE)


def followers() -> set[str]:
    """The netlink sockets of this network namespace that listen to something, by inode."""
    lines = Path("/proc/net/netlink").read_text(encoding="ascii").splitlines()[1:]
    return {fields[-1] for fields in map(str.split, lines)}


def test_after_a_fork_subflows_are_accepted_until_both_have_closed(listener: Socket) -> None:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    inodes = {str(os.fstat(fd).st_ino) for fd, _ in sockets_of("self")} & followers()
    with here, there:
        child = context.Process(target=received, args=(there,), daemon=True)
        child.start()
        listener.close()
        assert inodes
        assert inodes <= followers()

        here.send("enough")
        child.join(PATIENCE)

    assert not inodes & followers()


def test_a_closed_socket_goes_nowhere(listener: Socket) -> None:
    closed = Socket()
    closed.close()

    with pytest.raises(SocketClosed, match="is closed: it cannot be sent") as refusal:
        multiprocessing.Pipe()[0].send(closed)
    assert refusal.value.errno == EBADF


@pytest.mark.parametrize("make", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_socket_is_not_copied(listener: Socket, make: Callable[[object], object]) -> None:
    """As socket.socket is not, and with its text."""
    with Own() as sock, pytest.raises(TypeError, match="cannot pickle 'Own' object"):
        make(sock)


def test_a_socket_of_the_fake_stays_in_it() -> None:
    with FakeStack(), Socket() as sock:
        with pytest.raises(InvalidArgument, match="stays in its process") as refusal:
            multiprocessing.Pipe()[0].send(sock)
        assert refusal.value.errno == EINVAL
