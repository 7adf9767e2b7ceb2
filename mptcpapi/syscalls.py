"""The system calls by which this package reaches the kernel's MPTCP.

They stand in one object so that another one can take its place: `mptcpapi.testing` has one that
answers for a kernel that is not there. Everything else of the package runs on either.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
from io import FileIO
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

_ioctl = _libc.ioctl
_ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong)
_ioctl.restype = FileIO


class Linux:
    """The kernel; calls of C return -1 and leave the errno to ``ctypes.get_errno``."""

    def getsockopt(self, fd: int, level: int, option: int, value: Any, length: Any) -> int:
        """``getsockopt`` of C: ``value`` and ``length`` are pointers."""
        return int(_libc.getsockopt(fd, level, option, value, length))

    def getsockname(self, fd: int, address: Any, length: Any) -> int:
        """``getsockname`` of C."""
        return int(_libc.getsockname(fd, address, length))

    def getpeername(self, fd: int, address: Any, length: Any) -> int:
        """``getpeername`` of C."""
        return int(_libc.getpeername(fd, address, length))

    def stream_socket(self, family: int, protocol: int) -> socket.socket:
        """A new socket of SOCK_STREAM."""
        return socket.socket(family, socket.SOCK_STREAM, protocol)

    def netlink(self, protocol: int) -> socket.socket:
        """A new socket of AF_NETLINK."""
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)

    def ioctl(self, fd: int, request: int) -> FileIO:
        """``ioctl`` of C, where it takes no argument and returns a descriptor.

        The file is made before any more Python is run, and closes itself when nobody has it: Ctrl-C
        can come before anybody has.
        """
        try:
            made: FileIO = _ioctl(fd, request)
        except ValueError:  # -1 makes no file
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code)) from None
        return made

    def lock(self, fd: int, byte: int) -> None:
        """Lock a byte for this process (F_SETLK); BlockingIOError: another process has it."""
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)

    def unlock(self, fd: int, byte: int) -> None:
        """Unlock it, if this process has it."""
        fcntl.lockf(fd, fcntl.LOCK_UN, 1, byte)

    def interfaces(self) -> list[tuple[int, str]]:
        """Index and name of each network interface of the thread's namespace."""
        return socket.if_nameindex()

    def read(self, path: str) -> bytes:
        """The value of a sysctl."""
        return Path(path).read_bytes()

    def write(self, path: str, value: bytes) -> None:
        """Write a sysctl, in one call."""
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, value)
        finally:
            os.close(file)


current: Linux = Linux()
"""What the package calls now."""
