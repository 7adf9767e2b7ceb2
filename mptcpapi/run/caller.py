"""The thread that made a call: its memory, its descriptors, what it may do."""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import ExitStack, suppress
from errno import EACCES, EBADF, EINVAL, ENOENT, EOPNOTSUPP, EPERM, ESRCH
from functools import cached_property
from typing import Final, NamedTuple

from mptcpapi import abi
from mptcpapi.errors import KernelRefused, MptcpError, NoPrivilege, SocketClosed, Unsupported
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


_DIRECTORY: Final = os.O_DIRECTORY | os.O_PATH | os.O_CLOEXEC


def open_proc() -> int:
    """``/proc`` as it is now, whatever the program mounts there later.

    :raises Unsupported: it has the processes of another PID namespace: others than those whose
        numbers are heard of here
    """
    proc = os.open("/proc", _DIRECTORY)
    own = ""
    with suppress(OSError):  # ENOENT: this process is not among them
        own = os.readlink("self", dir_fd=proc)
    if own != str(os.getpid()):
        os.close(proc)
        text = "/proc is that of another PID namespace, or none: mount it (unshare --mount-proc)"
        raise Unsupported(EOPNOTSUPP, text)
    return proc


class Caller(Closing):
    """The thread, for as long as its call is answered; a context manager.

    Whatever is opened or read of it is its own only if the call is waited for still *afterwards*.
    Else it was killed, and its id may be another's: when one thread executes a program, that
    program gets the id of the first thread, and perhaps more rights.

    ``proc``: /proc, as a descriptor.

    :raises Gone: it was killed, or is in a PID namespace that cannot be seen from here
    """

    def __init__(self, listener: Listener, notice: Notice, proc: int) -> None:
        self._listener = listener
        self._notice = notice
        self._undo = ExitStack()
        try:
            self._directory = os.open(str(notice.tid), _DIRECTORY, dir_fd=proc)
        except OSError as failed:
            if failed.errno in {ENOENT, ESRCH}:
                raise Gone from failed
            raise
        self._kept(self._directory)
        self._undo.callback(os.close, self._directory)

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
        self.still_waits()
        return memory

    @cached_property
    def identity(self) -> Identity:
        """Who it is."""
        return decode_status(self.read("status"))

    def read(self, name: str) -> str:
        """A file of its directory in /proc."""
        with os.fdopen(self.open(name), encoding="utf-8", errors="replace") as file:
            text = file.read()
        self.still_waits()
        return text

    def open(self, name: str) -> int:
        """Open such a file."""
        return self._kept(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory))

    def _kept(self, fd: int) -> int:
        """The descriptor, if the thread waits still; else it is closed."""
        try:
            self.still_waits()
        except Gone:
            os.close(fd)
            raise
        return fd

    def duplicate(self, fd: int) -> int:
        """A descriptor of one's own for what it has as ``fd``; pidfd_getfd(2).

        :raises SocketClosed: it has no such descriptor
        :raises NoPrivilege: it may not be looked into
        """
        process = self._open_process()
        try:
            own = int(_libc.syscall(ctypes.c_long(abi.NR_PIDFD_GETFD), process, fd, 0))
            code = ctypes.get_errno()
        finally:
            os.close(process)
        if own < 0:
            raise _explained(code)
        return self._kept(own)

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
