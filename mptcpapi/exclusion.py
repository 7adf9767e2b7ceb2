"""Taking turns: at one time one thread of one process opens a subflow of a connection.

The kernel does not say which subflow a SUBFLOW_CREATE has made: it is the one new in the list.

Among processes a POSIX record lock does it (fcntl(2), F_SETLK) on the socket itself. It needs no
name and no file, only those can take it who have the socket, and it ends with its process. Its
owner is the process, even where several share one open file description, by fork, SCM_RIGHTS or
pidfd_getfd; of flock and of F_OFD_SETLK the description is the owner. It also ends when its process
closes any descriptor of the socket: hence `nobody_opens`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from errno import EBADF, EINVAL, EIO, ETIMEDOUT
from time import sleep

from mptcpapi import syscalls
from mptcpapi.deadline import Deadline
from mptcpapi.errors import InvalidArgument, KernelRefused, SocketClosed, SubflowTimeout

_BYTE = 0x4D50544350
"""The one that is locked, where nobody else locks: a descriptor that was closed can by now be that
of a file which another thread has locked."""

_RETRY_INTERVAL = 0.001
"""Seconds; a turn takes about as long."""

_threads = threading.RLock()
"""Held during a turn. The thread itself can take it again: a signal handler may close a socket."""
_turn_of: int | None = None
"""The thread whose turn it is."""


def _renew_lock() -> None:
    """In a child of fork no thread would release it."""
    global _threads, _turn_of
    _threads, _turn_of = threading.RLock(), None


os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def alone(fd: int, deadline: Deadline) -> Iterator[None]:
    """Run the body when nobody else who uses this package opens a subflow of the socket ``fd``.

    :raises SubflowTimeout: another process did not come to an end of it
    :raises KernelRefused: the socket cannot be locked
    :raises SocketClosed: it is closed
    :raises InvalidArgument: it is this thread's turn already: this is a signal handler
    """
    global _turn_of
    if _turn_of == threading.get_ident():
        text = "a signal handler cannot open a subflow while its thread is opening one: do it later"
        raise InvalidArgument(EINVAL, text)
    while True:
        with _threads:
            try:
                if _lock(fd):
                    _turn_of = threading.get_ident()
                    yield
                    return
            finally:
                _turn_of = None
                release(fd)
        if deadline.passed:
            raise SubflowTimeout(
                ETIMEDOUT,
                f"another process was opening a subflow of the connection of descriptor {fd} for "
                f"all of {deadline.seconds:g} s: is it stopped? /proc/locks tells which one it is",
            )
        sleep(_RETRY_INTERVAL)


def release(fd: int) -> None:
    """End a turn; harmless if there is none."""
    with _threads, suppress(OSError):  # it was closed, and so was unlocked
        syscalls.current.unlock(fd, _BYTE)


def nobody_opens() -> AbstractContextManager[object]:
    """For closing a descriptor: no thread of this process is in its turn meanwhile."""
    return _threads


def _lock(fd: int) -> bool:
    """Whether this process has the lock; not if another one has it."""
    try:
        syscalls.current.lock(fd, _BYTE)
    except BlockingIOError:
        return False
    except OSError as failed:
        code = failed.errno or EIO
        if code == EBADF:
            raise SocketClosed(EBADF, f"descriptor {fd} is closed") from failed
        text = (
            f"descriptor {fd} cannot be locked (F_SETLK: {os.strerror(code)}), without which other "
            "processes could take its new subflow for theirs: does a security policy forbid it?"
        )
        raise KernelRefused(code, text) from failed
    return True
