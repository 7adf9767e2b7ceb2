"""Where ``socket.socket`` of a thread is made by a stack that no thread can step into.

``socket.socket.__init__`` makes the descriptor, whoever calls it: the standard library's servers,
asyncio, `mptcpapi.Socket`. While a stack of that sort is in use, it asks the stack for the
descriptor, in threads that use it and in no other.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EOPNOTSUPP
from typing import Any

from mptcpapi.errors import Unsupported

Maker = Callable[[int, int, int], int]
"""A descriptor for family, type and protocol."""

_here = threading.local()
_lock = threading.Lock()
_users = 0
_original: Any = socket.socket.__init__


@contextmanager
def made_by(maker: Maker, become: type[socket.socket] | None = None) -> Iterator[None]:
    """Have ``maker`` make the descriptors of this thread's sockets.

    ``become``: the class that a ``socket.socket`` is of from then on; classes that are derived from
    it cannot, and are refused.
    """
    with _installed(), _set(maker, become):
        yield


@contextmanager
def cleared() -> Iterator[None]:
    """Have the sockets of this thread made by the kernel, whatever was in use."""
    with _set(None):
        yield


@contextmanager
def _set(maker: Maker | None, become: type[socket.socket] | None = None) -> Iterator[None]:
    before = getattr(_here, "making", (None, None))
    _here.making = maker, become
    try:
        yield
    finally:
        _here.making = before


@contextmanager
def _installed() -> Iterator[None]:
    global _original, _users
    with _lock:
        if not _users:
            _original = socket.socket.__init__
            socket.socket.__init__ = _init  # type: ignore[method-assign]
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users and socket.socket.__init__ is _init:
                socket.socket.__init__ = _original  # type: ignore[method-assign]


def _init(
    self: socket.socket, family: int = -1, type: int = -1, proto: int = -1,
    fileno: int | None = None,
) -> None:  # fmt: skip
    maker, become = getattr(_here, "making", (None, None))
    if fileno is None and maker is not None:
        if become is not None:
            _become(self, become)
        wanted = (
            socket.AF_INET if family == -1 else family,
            socket.SOCK_STREAM if type == -1 else type,
            0 if proto == -1 else proto,
        )
        with cleared():  # the maker's own sockets are not for itself
            fileno = maker(*wanted)
    _original(self, family, type, proto, fileno)


def _become(made: socket.socket, become: type[socket.socket]) -> None:
    if type(made) is not socket.socket:
        text = f"a {type(made).__name__} cannot be a socket of the stack in use, only socket.socket"
        raise Unsupported(EOPNOTSUPP, text)
    made.__class__ = become
