"""What every stack is: something that makes sockets, is configured, and ends."""

from __future__ import annotations

import socket
import threading
from abc import abstractmethod
from contextlib import AbstractContextManager
from errno import EBADF, EBUSY
from types import TracebackType
from typing import Any, Self

from mptcpapi.errors import StackBusy, StackDeleted
from mptcpapi.stacks import living
from mptcpapi.stacks.config import Configurable
from mptcpapi.stacks.resolver import Answers, Resolver


class Stack(Configurable):
    """A network stack: ``mptcpapi.stacks.new`` makes them; a context manager that deletes it.

    ``resolver`` is a file as ``/etc/resolv.conf``, by which `getaddrinfo` asks.
    """

    steps_in = True
    """Whether a thread that uses it steps into it, so that libraries in C use it too."""

    def __init__(self, name: str, *, resolver: str | None = None) -> None:
        self.name = name
        """The kind, and what tells it from others."""
        self._resolver = Resolver(resolver)
        self._deleted = False
        self._held = threading.RLock()  # while something is made of it: no other thread deletes it
        living.add(self)

    def msocket(
        self,
        family: int = socket.AF_INET,
        type: int = socket.SOCK_STREAM,
        protocol: int = 0,
    ) -> socket.socket:
        """A socket of this stack: what ``socket.socket`` with the same arguments is elsewhere.

        It is an `mptcpapi.Socket` where ``protocol`` is IPPROTO_MPTCP. It keeps its stack, whatever
        thread uses it.

        :raises StackDeleted: this stack was deleted
        """
        with self._held:
            self.require()
            return self._make(family, type, protocol)

    def use(self) -> AbstractContextManager[None]:
        """Have the calling thread make its sockets here, those of other libraries included.

        `mptcpapi.stacks.use` does so, and keeps account of it.
        """
        self.require()
        return self._use()

    def getaddrinfo(
        self, host: str | None, port: str | int | None, family: int = 0, type: int = 0,
        proto: int = 0, flags: int = 0,
    ) -> Answers:  # fmt: skip
        """As ``socket.getaddrinfo``, asked in this stack, with the stack's own resolver file.

        :raises socket.gaierror: there is no such name, or no answer
        """
        self.require()
        return self._resolver.addresses(self, host, port, family, type, proto, flags)

    def close(self, *, force: bool = False) -> None:
        """Delete the stack; a second time is harmless. Until then it lives, whoever knows it.

        ``force``: although sockets of it are open. They are left to whoever has them, and carry
        nothing any more where the stack's interfaces ended with it.

        :raises StackBusy: sockets of it are open in this process
        """
        with self._held:
            if self._deleted:
                return
            busy = 0 if force else self._open_sockets()
            if busy:
                text = f"{self}: {busy} of its sockets are open: close them, or close(force=True)"
                raise StackBusy(EBUSY, text)
            self._deleted = True
            living.remove(self)
            self._delete()

    def forked(self) -> None:
        """This process is a child: what another thread held in the parent nobody holds here."""
        self._held = threading.RLock()

    def require(self) -> None:
        """Refuse to go on with a stack that was deleted.

        :raises StackDeleted: it was
        """
        if self._deleted:
            raise StackDeleted(EBADF, f"{self}: this stack was deleted")

    @abstractmethod
    def _make(self, family: int, type: int, protocol: int) -> socket.socket: ...

    @abstractmethod
    def _use(self) -> AbstractContextManager[None]: ...

    @abstractmethod
    def _open_sockets(self) -> int:
        """How many sockets of it this process has open."""

    @abstractmethod
    def _delete(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(force=kind is not None)  # the error in the body says more than StackBusy

    def __str__(self) -> str:
        return f"stack {self.name}"

    def __repr__(self) -> str:
        return f"<{self}{' (deleted)' if self._deleted else ''}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"{self} belongs to this process: it cannot go to another one")
