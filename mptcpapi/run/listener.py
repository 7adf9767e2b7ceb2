"""The listener of a seccomp filter: calls that it stopped, and answers (seccomp_unotify(2)).

The kernel does not know what a call means. It says who made it, with what was in the registers,
and lets the thread wait until it is answered. A signal does not end the wait, unless it kills.
"""

from __future__ import annotations

import fcntl
import os
import select
import sys
from contextlib import suppress
from errno import EINTR, ENOENT
from typing import NamedTuple

from mptcpapi import abi


class Gone(Exception):
    """The call is not waited for any more: its thread was killed."""


class Notice(NamedTuple):
    """One call that was stopped."""

    id: int
    """Of this call: never used again."""
    tid: int
    """The thread, in this process's PID namespace; 0 if it is not in there."""
    call: int
    """The number of the system call."""
    arguments: tuple[int, ...]
    """Six registers."""

    def integer(self, index: int) -> int:
        """An argument that is an int of C."""
        low = self.arguments[index] & 0xFFFFFFFF
        return low - (1 << 32) if low >> 31 else low


def decode_notice(data: bytes | bytearray) -> Notice:
    """``struct seccomp_notif``."""
    number, tid, _, call, _, _, *arguments = abi.SECCOMP_NOTIF.unpack(data)
    return Notice(number, tid, call, tuple(arguments))


class Listener:
    """The descriptor of a listener; for all threads."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd

    def receive(self) -> Notice | None:
        """Wait for the next call; ``None`` if it was withdrawn meanwhile."""
        data = bytearray(abi.SECCOMP_NOTIF.size)
        try:
            fcntl.ioctl(self._fd, abi.SECCOMP_IOCTL_NOTIF_RECV, data)
        except OSError as withdrawn:
            if withdrawn.errno in {ENOENT, EINTR}:
                return None
            raise
        return decode_notice(data)

    def is_abandoned(self, seconds: float | None = 0) -> bool:
        """Whether nobody is left who has the filter: if need be, after waiting for that."""
        poll = select.poll()
        poll.register(self._fd, 0)  # the end is always told
        return bool(poll.poll(None if seconds is None else seconds * 1000))

    def check(self, notice: Notice) -> None:
        """Look whether the call is waited for still: if so, the thread's id is its own still.

        :raises Gone: it is not
        """
        try:
            fcntl.ioctl(
                self._fd, abi.SECCOMP_IOCTL_NOTIF_ID_VALID, notice.id.to_bytes(8, sys.byteorder)
            )
        except OSError as invalid:
            raise Gone from invalid

    def answer(self, notice: Notice, code: int) -> None:
        """Let the call end: with 0, or -1 and ``code`` as its errno."""
        self._send(notice, -code, 0)

    def let_through(self, notice: Notice) -> None:
        """Let the kernel carry the call out, as if there were no filter."""
        self._send(notice, 0, abi.SECCOMP_USER_NOTIF_FLAG_CONTINUE)

    def give(self, notice: Notice, fd: int, flags: int) -> int:
        """Let the call end with a new descriptor for the file of ``fd``; its number there.

        It is the lowest that is free. ``flags``: O_CLOEXEC or 0.

        :raises OSError: the kernel says why not: the call is waited for still, unless ENOENT
        """
        request = abi.SECCOMP_NOTIF_ADDFD.pack(notice.id, abi.SECCOMP_ADDFD_FLAG_SEND, fd, 0, flags)
        return int(fcntl.ioctl(self._fd, abi.SECCOMP_IOCTL_NOTIF_ADDFD, bytearray(request)))

    def _send(self, notice: Notice, code: int, flags: int) -> None:
        answer = abi.SECCOMP_NOTIF_RESP.pack(notice.id, 0, code, flags)
        with suppress(OSError):  # it was killed
            fcntl.ioctl(self._fd, abi.SECCOMP_IOCTL_NOTIF_SEND, bytearray(answer))

    def close(self) -> None:
        """Close it: calls that wait, or are stopped from now on, fail with ENOSYS."""
        os.close(self._fd)
