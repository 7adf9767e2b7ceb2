"""A connection that ends during a call: the error says so, and is not that of a closed socket."""

import socket
import struct
from collections.abc import Callable, Iterator
from errno import EBADF, ENOTCONN
from typing import NamedTuple

import pytest

import mptcpapi
from mptcpapi import ConnectionEnded, NoPrivilege, Socket, SocketClosed, Unavailable
from mptcpapi.control import control
from mptcpapi.deadline import Deadline
from mptcpapi.info import another_connection


class Pair(NamedTuple):
    client: Socket
    server: Socket

    def exchange(self) -> None:
        """So that the connection is fully established."""
        for sender, receiver in (self, self[::-1]):
            sender.sendall(b"data")
            receiver.recv(4)

    def reset(self) -> None:
        """The server aborts the connection; return when the client's kernel knows."""
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.close()
        deadline = Deadline(5)
        while self.is_connected():
            assert not deadline.passed

    def is_connected(self) -> bool:
        """Whether the client's kernel thinks so."""
        try:
            return bool(self.client.getpeername())
        except OSError:
            return False


@pytest.fixture(params=[True, False], ids=["established", "no data yet"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A connection, with data exchanged or without."""
    try:
        listener = mptcpapi.create_server(("127.0.0.1", 0))
    except Unavailable as reason:
        pytest.skip(str(reason))
    with listener, mptcpapi.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            pair = Pair(client, server)
            if request.param:
                pair.exchange()
            yield pair


established = pytest.mark.parametrize("pair", [True], indirect=True, ids=["established"])


@established
def test_the_connection_is_reset_during_a_call(pair: Pair) -> None:
    with control(pair.client) as connection:
        pair.reset()
        with pytest.raises(ConnectionEnded, match="ended during the call") as refusal:
            connection.entries()

    assert refusal.value.errno == ENOTCONN


@established
def test_another_connection_under_the_same_descriptor(pair: Pair) -> None:
    fd = pair.client.fileno()
    token = pair.client.token()

    assert isinstance(another_connection(fd, 0), ConnectionEnded)
    closed = another_connection(fd, token)
    assert isinstance(closed, SocketClosed)
    assert closed.errno == EBADF


AFTERWARDS: dict[str, Callable[[Socket], object]] = {
    "open_subflow": mptcpapi.open_subflow,
    "close_subflow": lambda sock: mptcpapi.close_subflow(sock, 1),
    "abort_subflow": lambda sock: mptcpapi.abort_subflow(sock, 1),
    "set_backup": lambda sock: mptcpapi.set_backup(sock, 1, True),
    "announce": lambda sock: mptcpapi.announce(sock, "127.0.0.1"),
    "withdraw": lambda sock: mptcpapi.withdraw(sock, 1),
    "path_manager": mptcpapi.path_manager,
    "events": mptcpapi.EventStream.of_connection,
}


@pytest.mark.parametrize("name", AFTERWARDS)
def test_the_connection_was_reset(pair: Pair, name: str) -> None:
    pair.reset()

    try:
        with pytest.raises(ConnectionEnded, match="not connected, or not any more") as refusal:
            AFTERWARDS[name](pair.client)
    except NoPrivilege as reason:
        pytest.skip(str(reason))

    assert refusal.value.errno == ENOTCONN
