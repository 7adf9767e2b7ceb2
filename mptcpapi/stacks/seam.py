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
from typing import Any

Maker = Callable[[int, int, int], int]
"""A descriptor for family, type and protocol."""

_here = threading.local()
_lock = threading.Lock()
_users = 0
_original: Any = socket.socket.__init__


@contextmanager
def made_by(maker: Maker) -> Iterator[None]:
    """Have ``maker`` make the descriptors of this thread's sockets."""
    with _installed(), _set(maker):
        yield


@contextmanager
def cleared() -> Iterator[None]:
    """Have the sockets of this thread made by the kernel, whatever was in use."""
    with _set(None):
        yield


@contextmanager
def _set(maker: Maker | None) -> Iterator[None]:
    before = getattr(_here, "maker", None)
    _here.maker = maker
    try:
        yield
    finally:
        _here.maker = before


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
    maker: Maker | None = getattr(_here, "maker", None)
    if fileno is None and maker is not None:
        wanted = (
            socket.AF_INET if family == -1 else family,
            socket.SOCK_STREAM if type == -1 else type,
            0 if proto == -1 else proto,
        )
        with cleared():  # the maker's own sockets are not for itself
            fileno = maker(*wanted)
    _original(self, family, type, proto, fileno)
