"""What a case of the contract needs of the world it runs in: a fake stack, or two real hosts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, ExitStack, nullcontext
from errno import ECONNRESET
from socket import AF_INET, AF_INET6
from types import TracebackType
from typing import NamedTuple, Self

import mptcpapi
from mptcpapi import EventStream, Socket
from mptcpapi.testing import FakeStack


class Pair(NamedTuple):
    """A connection."""

    client: Socket
    server: Socket
    listener: Socket


class World(ABC):
    """A client with two paths, and a server, both under the userspace path manager."""

    def __init__(self, version: int = 4) -> None:
        hosts = ("10.0.1.1", "10.0.2.1", "10.0.9.2", "10.0.3.1", "10.0.9.77")
        if version == 6:
            hosts = ("fd00:1::1", "fd00:2::1", "fd00:9::2", "fd00:3::1", "fd00:9::77")
        self.wifi, self.lte, self.server, self.foreign, self.silent = hosts
        """Addresses of the client and of the server, one that the client does not have, and one
        that nobody has."""
        self.version = version
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    @abstractmethod
    def at_client(self) -> AbstractContextManager[object]:
        """Where sockets of the client are made."""

    @abstractmethod
    def at_server(self) -> AbstractContextManager[object]:
        """Where sockets of the server are made."""

    @abstractmethod
    def cut_lte(self) -> None:
        """Let nothing through on the second path."""

    @abstractmethod
    def server_takes_no_more(self) -> None:
        """Let the server refuse the subflows of connections that are made next."""

    def listen(self) -> Socket:
        """A listener at the server."""
        family = AF_INET6 if self.version == 6 else AF_INET
        with self.at_server():
            made = mptcpapi.create_server((self.server, 0), family=family)
        return self._undo.enter_context(made)

    def keep(self, sock: Socket) -> Socket:
        """Close it with the world."""
        return self._undo.enter_context(sock)

    def connect(self, *, exchange: bool = True) -> Pair:
        """A connection over the first path; ``exchange``: that has carried a byte each way."""
        listener = self.listen()
        with self.at_client():
            source = (self.wifi, 0)
            client = mptcpapi.create_connection(listener.getsockname()[:2], 5, source)
        self._undo.enter_context(client)
        server, _ = listener.accept()
        self._undo.enter_context(server)
        server.settimeout(5)
        pair = Pair(client, server, listener)
        if exchange:
            carry(client, server)
            carry(server, client)
        return pair

    def events(self, sock: Socket, *, seed: bool = False) -> EventStream:
        """The events of one connection."""
        return self._undo.enter_context(EventStream.of_connection(sock, seed=seed))

    def all_events(self) -> EventStream:
        """The events of all connections where the client is."""
        with self.at_client():
            return self._undo.enter_context(EventStream.of_namespace())


class FakeWorld(World):
    """In a fake stack."""

    def __init__(self, version: int = 4) -> None:
        super().__init__(version)
        self.stack = FakeStack({"wifi": self.wifi, "lte": self.lte}, [self.server])
        self._undo.enter_context(self.stack)

    def at_client(self) -> AbstractContextManager[object]:
        return nullcontext()

    def at_server(self) -> AbstractContextManager[object]:
        return nullcontext()

    def cut_lte(self) -> None:
        self.stack.cut("lte")

    def server_takes_no_more(self) -> None:
        self.stack.refuse("lte", ECONNRESET)


def carry(sender: Socket, receiver: Socket, data: bytes = b"x") -> None:
    """Send, and see that it arrives."""
    sender.sendall(data)
    received = b""
    while len(received) < len(data):
        part = receiver.recv(len(data))
        assert part, "the connection ended"
        received += part
    assert received == data
