"""socket(): an MPTCP socket in place of the TCP socket that the program asked for."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mptcpapi import abi, netns
from mptcpapi.run.caller import Caller
from mptcpapi.run.filter import SOCK_TYPE_MASK
from mptcpapi.run.listener import Listener, Notice

_libc = ctypes.CDLL(None, use_errno=True)

_FLAGS: Final = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK


def upgrade(listener: Listener, caller: Caller, notice: Notice) -> int:
    """Give the program an MPTCP socket; its number there.

    It is made in the program's network namespace, for the program's user.

    :raises OSError: it cannot be, and the program's own call is to have its way
    """
    family, kind, _ = map(notice.integer, range(3))
    flags = kind & ~SOCK_TYPE_MASK
    if flags & ~_FLAGS:
        raise OSError(0, "the kernel knows no such flags")
    with _make(caller, family, flags) as made:
        close_on_exec = os.O_CLOEXEC if flags & socket.SOCK_CLOEXEC else 0
        return listener.give(notice, made.fileno(), close_on_exec)


def _make(caller: Caller, family: int, flags: int) -> socket.socket:
    kind = socket.SOCK_STREAM | flags | socket.SOCK_CLOEXEC
    namespace = caller.open("ns/net")
    try:
        with netns.inside(namespace), _files_of(caller):
            return socket.socket(family, kind, abi.IPPROTO_MPTCP)
    finally:
        os.close(namespace)


@contextmanager
def _files_of(caller: Caller) -> Iterator[None]:
    """Let what this thread makes belong to the program's user (setfsuid(2) is the thread's own)."""
    identity = caller.identity
    before = _libc.setfsgid(identity.file_group), _libc.setfsuid(identity.file_user)
    try:
        yield
    finally:
        _libc.setfsuid(before[1])
        _libc.setfsgid(before[0])
