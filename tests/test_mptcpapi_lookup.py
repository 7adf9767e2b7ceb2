"""Which connections have ended: of real ones, and of a kernel that cannot or will not tell."""

import socket
import struct
from collections.abc import Callable, Iterator
from errno import EINVAL, ENOBUFS, ENOENT, ENOMEM
from typing import NamedTuple

import pytest

import mptcpapi
from mptcpapi import EventsLost, KernelRefused, MptcpError, Socket, TcpState, Unavailable, abi
from mptcpapi.deadline import Deadline
from mptcpapi.lookup import Lookup
from mptcpapi.nlmsg import Message

TOKEN = 0x8591EE50


class Pair(NamedTuple):
    client: Socket
    server: Socket


@pytest.fixture
def pair() -> Iterator[Pair]:
    try:
        listener = mptcpapi.create_server(("127.0.0.1", 0))
        mptcpapi.connections()
    except (Unavailable, mptcpapi.Unsupported) as reason:
        pytest.skip(str(reason))
    with listener, mptcpapi.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            for sender, receiver in ((client, server), (server, client)):
                sender.sendall(b"x")
                receiver.recv(1)
            yield Pair(client, server)


def state_of(token: int) -> TcpState | None:
    """As the list of all connections has it."""
    return next((each.state for each in mptcpapi.connections() if each.token == token), None)


def until(condition: Callable[[], bool]) -> None:
    deadline = Deadline(5)
    while not condition():
        assert not deadline.passed


def test_a_connection_is_asked_for_from_its_beginning_to_its_end(pair: Pair) -> None:
    client, server = pair.client.token(), pair.server.token()
    with Lookup() as lookup:
        assert lookup.ended([client, server]) == {}
        pair.client.close()
        until(lambda: state_of(client) is TcpState.FIN_WAIT2)
        assert state_of(server) is TcpState.CLOSE_WAIT
        assert lookup.ended([client, server]) == {}
        pair.server.shutdown(socket.SHUT_WR)
        until(lambda: lookup.ended([client, server]) == {client: True, server: False})
        pair.server.close()
        until(lambda: lookup.ended([client, server]) == {client: True, server: True})


def test_a_connection_that_the_peer_resets(pair: Pair) -> None:
    token = pair.client.token()
    pair.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with Lookup() as lookup:
        pair.server.close()
        with pytest.raises(ConnectionResetError):
            pair.client.recv(1)
        assert lookup.ended([token, token ^ 1]) == {token: True, token ^ 1: True}


class Refusing:
    """A netlink socket whose kernel refuses to look up a connection, or to list some."""

    def __init__(self, one: MptcpError, some: MptcpError | None) -> None:
        self._one, self._some = one, some

    def request(self, _kind: int, _body: bytes, *, flags: int = 0) -> list[Message]:
        refusal = self._some if flags & abi.NLM_F_DUMP else self._one
        if refusal is not None:
            raise refusal
        return []


@pytest.mark.parametrize(
    ("one", "some", "expected"),
    [
        (KernelRefused(ENOENT, "there is none"), None, {TOKEN: True}),
        (KernelRefused(ENOENT, "no MPTCP here"), KernelRefused(ENOENT, "no MPTCP here"), {}),
        (KernelRefused(ENOENT, "what?"), KernelRefused(EINVAL, "what?"), {}),
        (KernelRefused(ENOMEM, "no memory"), None, {}),
        (EventsLost(ENOBUFS, "no room"), None, {}),
    ],
)
def test_a_connection_ends_when_the_kernel_says_so(
    monkeypatch: pytest.MonkeyPatch,
    one: MptcpError,
    some: MptcpError | None,
    expected: dict[int, bool],
) -> None:
    with Lookup() as lookup, monkeypatch.context() as patch:
        patch.setattr(lookup, "_netlink", Refusing(one, some))
        assert lookup.ended([TOKEN]) == expected
