"""Sockets of other processes: which process has one, and a descriptor of one's own for it."""

from __future__ import annotations

import ctypes
import os
import stat
from collections import defaultdict
from collections.abc import Container, Iterator
from contextlib import suppress
from errno import EBADF, EINVAL, ENOENT, ENOSYS, EOPNOTSUPP, EPERM, ESRCH
from pathlib import Path
from typing import NamedTuple

from mptcpapi import abi
from mptcpapi.errors import (
    InvalidArgument,
    KernelRefused,
    MptcpError,
    NoPrivilege,
    NoSuchConnection,
    Unsupported,
    is_integer,
)

_PROC = Path("/proc")
_GREATEST = (1 << 31) - 1
"""Of a process or a descriptor: both are an int in C."""
_YAMA = _PROC / "sys/kernel/yama/ptrace_scope"

_libc = ctypes.CDLL(None, use_errno=True)


class Owner(NamedTuple):
    """A process that has a socket, and one of its descriptors for it."""

    pid: int
    """As this process sees it: in the PID namespace of /proc."""
    fd: int
    program: str
    """``comm``: its first 15 bytes; empty if the process has just ended."""


def owners(inodes: Container[int]) -> dict[int, tuple[Owner, ...]]:
    """Who has the sockets with these inodes; several have one after a ``fork``.

    Processes whose descriptors this one may not see are passed over: those of other users, without
    CAP_SYS_PTRACE. Source: ``/proc/PID/fd``.
    """
    found: defaultdict[int, list[Owner]] = defaultdict(list)
    for pid in _processes():
        with suppress(OSError):  # it has ended, or is another user's
            for fd, inode in sockets_of(pid):
                if inode in inodes:
                    found[inode].append(Owner(pid, fd, program_of(pid)))
    return {inode: tuple(sorted(each)) for inode, each in found.items()}


def hidden() -> int:
    """How many processes there are whose descriptors this one may not see."""
    return sum(not _is_visible(pid) for pid in _processes())


def _is_visible(pid: int) -> bool:
    try:
        with os.scandir(_PROC / str(pid) / "fd") as descriptors:
            for each in descriptors:  # listing them takes less than looking at one
                Path(each).readlink()
                break
    except PermissionError:
        return False
    except OSError:  # it has ended
        return True
    return True


def program_of(pid: int) -> str:
    """The name of the program; empty if there is no such process.

    Every process chooses its own, so what would steer a terminal is replaced by a question mark.
    """
    try:
        name = (_PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
    return "".join(each if each.isprintable() else "?" for each in name.removesuffix("\n"))


def _processes() -> list[int]:
    return [int(entry.name) for entry in os.scandir(_PROC) if entry.name.isdecimal()]


def sockets_of(process: int | str) -> Iterator[tuple[int, int]]:
    """Descriptor and inode of each socket of a process: by its number, or "self"."""
    for entry in os.scandir(_PROC / str(process) / "fd"):
        with suppress(OSError, ValueError):  # closed meanwhile
            kind, _, number = str(Path(entry).readlink()).partition(":")
            if kind == "socket":
                yield int(entry.name), int(number.strip("[]"))


def duplicate(pid: int, fd: int) -> int:
    """A descriptor of this process for the socket that process ``pid`` has as ``fd``.

    Both are the same socket: its flags are shared, and it stays open until both are closed. Source:
    pidfd_getfd(2), Linux 5.6.

    :raises NoSuchConnection: there is no such process, or no such descriptor of it
    :raises NoPrivilege: that process may not be traced by this one
    :raises InvalidArgument: it is no socket
    """
    where = describe_place(pid, fd)
    for what, number, missing in (("process", pid, ESRCH), ("descriptor", fd, EBADF)):
        if not is_integer(number):
            raise InvalidArgument(EINVAL, f"{what} {number!r}: expected an integer")
        if not 0 <= number <= _GREATEST:  # C would cut it down to another
            raise _explained(missing, pid, where)
    try:
        process = os.pidfd_open(pid)
    except OSError as failed:
        raise _explained(failed.errno or ESRCH, pid, where) from failed
    try:
        own = _libc.syscall(ctypes.c_long(abi.NR_PIDFD_GETFD), process, fd, 0)
    finally:
        os.close(process)
    if own < 0:
        raise _explained(ctypes.get_errno(), pid, where)
    if not stat.S_ISSOCK(os.fstat(own).st_mode):
        os.close(own)
        raise InvalidArgument(EINVAL, f"{where} is not a socket")
    return int(own)


def describe_place(pid: int, fd: int) -> str:
    """A descriptor of a process, as people say it."""
    program = program_of(pid)
    return f"descriptor {fd} of process {pid}{program and f' ({program})'}"


def _explained(code: int, pid: int, where: str) -> MptcpError:
    if code in {ESRCH, EINVAL, ENOENT}:  # EINVAL, ENOENT: the number is that of a thread, or none
        return NoSuchConnection(ESRCH, f"there is no process {pid} (any more)")
    if code == EBADF:
        return NoSuchConnection(EBADF, f"{where} is not open")
    if code == EPERM:
        return NoPrivilege(EPERM, f"{where} cannot be reached: {reaching_takes()}")
    if code == ENOSYS:
        text = f"{where} cannot be reached: pidfd_getfd(2) came with Linux 5.6"
        return Unsupported(EOPNOTSUPP, text)
    return KernelRefused(code, f"{where} cannot be reached: {os.strerror(code)}")


def reaching_takes() -> str:
    """What it takes to get at the socket of another process, and what to do."""
    text = "that takes its user's rights, or CAP_SYS_PTRACE: run as that user, or as root"
    with suppress(OSError, ValueError):
        scope = int(_YAMA.read_text(encoding="ascii"))
        if scope:
            text += f" (kernel.yama.ptrace_scope={scope} forbids it to an ordinary user)"
    return text
