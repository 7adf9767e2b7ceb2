"""Stacks that are network namespaces of the kernel which a thread can step into."""

from __future__ import annotations

import os
import socket
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from errno import EBUSY
from threading import get_ident

from mptcpapi import abi, netns
from mptcpapi.connection import Socket
from mptcpapi.errors import StackBusy
from mptcpapi.stacks import seam
from mptcpapi.stacks.stack import Stack


def made_here(family: int, type: int, protocol: int) -> socket.socket:
    """A socket in the namespace of the calling thread."""
    if protocol == abi.IPPROTO_MPTCP:
        return Socket(family, type, protocol)
    return socket.socket(family, type, protocol)


class NamespaceStack(Stack):
    """The stack of a namespace that is somebody else's: of the thread, of a host of a lab.

    ``namespace`` is a descriptor of it, which is the stack's to close. Busy it is by
    sockets that `msocket` made; those that they accept are the namespace's, which stays.
    """

    def __init__(self, name: str, namespace: int, *, resolver: str | None = None) -> None:
        try:
            super().__init__(name, resolver=resolver)
        except BaseException:
            os.close(namespace)
            raise
        self._namespace = namespace
        self._inside: list[int] = []  # the threads that use it, by their idents
        self._made: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def fileno(self) -> int:
        """The descriptor of the namespace."""
        self.require()
        return self._namespace

    def close(self, *, force: bool = False) -> None:
        """Delete the stack, as `Stack.close`; no thread may be left in a namespace without a stack.

        ``force``: although other threads use it. They stay in its namespace until they leave it.

        :raises StackBusy: the calling thread uses it, or, if not forced, another one does
        """
        with self._held:
            if not self._deleted:
                self._refuse_in_use(force=force)
            super().close(force=force)

    def forked(self) -> None:
        """Of the threads that used it there is one."""
        super().forked()
        self._inside[:] = [each for each in self._inside if each == get_ident()]

    def _refuse_in_use(self, *, force: bool) -> None:
        if get_ident() in self._inside:
            raise StackBusy(EBUSY, f"{self}: this thread uses it: leave use() first")
        if self._inside and not force:
            text = f"{self}: another thread uses it: end its use() first, or close(force=True)"
            raise StackBusy(EBUSY, text)

    def _make(self, family: int, type: int, protocol: int) -> socket.socket:
        with netns.inside(self._namespace), seam.cleared():
            made = made_here(family, type, protocol)
        self._made.add(made)
        return made

    @contextmanager
    def _use(self) -> Iterator[None]:
        with ExitStack() as undo:
            with self._held:
                self.require()
                self._inside.append(get_ident())
                undo.callback(self._inside.remove, get_ident())
                undo.enter_context(netns.inside(self._namespace))
            undo.enter_context(seam.cleared())
            yield

    def _open_sockets(self) -> int:
        return sum(sock.fileno() >= 0 for sock in self._made)

    def _delete(self) -> None:
        os.close(self._namespace)
