"""The thread that made a call: its memory, its descriptors, what it may do."""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import ExitStack
from errno import EACCES, EBADF, EINVAL, EPERM, ESRCH
from functools import cached_property
from typing import NamedTuple

from mptcpapi import abi
from mptcpapi.errors import KernelRefused, MptcpError, NoPrivilege, SocketClosed
from mptcpapi.netlink import Closing
from mptcpapi.processes import reaching_takes
from mptcpapi.run.listener import Gone, Listener, Notice
from mptcpapi.run.memory import Memory

_libc = ctypes.CDLL(None, use_errno=True)


class Identity(NamedTuple):
    """What ``/proc/PID/status`` says of a thread; users are those of this user namespace."""

    process: int
    file_user: int
    """Of what it makes (setfsuid(2))."""
    file_group: int
    capabilities: int
    """The effective set: one bit for each ``CAP_*``."""


def decode_status(text: str) -> Identity:
    """``/proc/PID/status``."""
    found = dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE))
    users, groups = found["Uid"].split(), found["Gid"].split()
    capabilities = int(found["CapEff"], 16)
    return Identity(int(found["Tgid"]), int(users[3]), int(groups[3]), capabilities)


class Caller(Closing):
    """The thread, for as long as its call is answered; a context manager.

    What is opened of it stays its own, even if it is killed and another gets its id: the call was
    waited for still when its directory in /proc was open already.

    :raises Gone: it was killed
    """

    def __init__(self, listener: Listener, notice: Notice) -> None:
        self._listener = listener
        self._notice = notice
        self._undo = ExitStack()
        try:
            flags = os.O_DIRECTORY | os.O_PATH | os.O_CLOEXEC
            self._directory = os.open(f"/proc/{notice.tid}", flags)
        except OSError as gone:
            raise Gone from gone
        self._undo.callback(os.close, self._directory)
        try:
            listener.check(notice)
        except Gone:
            self.close()
            raise

    def close(self) -> None:
        """Let go of it."""
        self._undo.close()

    def still_waits(self) -> None:
        """Look whether it does.

        :raises Gone: it was killed
        """
        self._listener.check(self._notice)

    @cached_property
    def memory(self) -> Memory:
        """Its memory.

        :raises NoPrivilege: it may not be looked into
        """
        try:
            memory = Memory(self._directory)
        except OSError as refused:
            raise _explained(refused.errno) from refused
        self._undo.callback(memory.close)
        return memory

    @cached_property
    def identity(self) -> Identity:
        """Who it is."""
        return decode_status(self.read("status"))

    def read(self, name: str) -> str:
        """A file of its directory in /proc."""
        with os.fdopen(self.open(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def open(self, name: str) -> int:
        """Open such a file."""
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory)

    def duplicate(self, fd: int) -> int:
        """A descriptor of one's own for what it has as ``fd``; pidfd_getfd(2).

        :raises SocketClosed: it has no such descriptor
        :raises NoPrivilege: it may not be looked into
        """
        process = self._open_process()
        try:
            self.still_waits()
            own = int(_libc.syscall(ctypes.c_long(abi.NR_PIDFD_GETFD), process, fd, 0))
        finally:
            os.close(process)
        if own < 0:
            raise _explained(ctypes.get_errno())
        return own

    def _open_process(self) -> int:
        """The thread, which can have descriptors of its own; its process, before Linux 6.9."""
        try:
            return os.pidfd_open(self._notice.tid, abi.PIDFD_THREAD)
        except OSError as refused:
            if refused.errno != EINVAL:
                raise Gone from refused
        try:
            return os.pidfd_open(self.identity.process)
        except OSError as gone:
            raise Gone from gone


def _explained(code: int | None) -> MptcpError | Gone:
    if code == EBADF:
        return SocketClosed(EBADF, "the program has no such descriptor")
    if code in {EACCES, EPERM}:
        text = f"this program cannot be looked into: {reaching_takes()}"
        return NoPrivilege(EPERM, text)
    if code == ESRCH:
        return Gone()
    code = code or EINVAL
    return KernelRefused(code, f"this program cannot be looked into: {os.strerror(code)}")
