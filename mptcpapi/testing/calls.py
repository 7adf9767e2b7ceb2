"""The system calls of `mptcpapi.syscalls`, answered by a fake kernel."""

from __future__ import annotations

import ctypes
import os
import stat
from errno import EINVAL, ENOPROTOOPT, ENOTCONN, ENOTTY, EOPNOTSUPP, EPERM
from io import FileIO
from pathlib import Path
from socket import AF_INET, socket
from typing import Any

from mptcpapi import abi
from mptcpapi.connection import Socket
from mptcpapi.endpoint import Endpoint
from mptcpapi.syscalls import Linux
from mptcpapi.testing import answers
from mptcpapi.testing.ports import Holder
from mptcpapi.testing.sockets import NetlinkSocket
from mptcpapi.testing.world import World

_OWN_NAMESPACE = "/proc/thread-self/ns/net"


class FakeCalls(Linux):
    """Of sockets that were not made here, the real kernel tells what it tells of TCP."""

    def __init__(self, world: World) -> None:
        self._world = world

    def getsockopt(self, fd: int, level: int, option: int, value: Any, length: Any) -> int:
        """MPTCP_INFO and MPTCP_FULL_INFO; other levels are those of the TCP socket below."""
        holder = self._world.holder(fd)
        if level != abi.SOL_MPTCP or holder is None:
            return super().getsockopt(fd, level, option, value, length)
        if not holder.is_mptcp or holder.is_tcp:
            return _failed(EOPNOTSUPP if holder.family == AF_INET else ENOPROTOOPT)
        with self._world.lock:
            self._world.settle()
            if option == abi.MPTCP_FULL_INFO:
                return _full_info(holder, value, length)
            return _answer(value, length, answers.mptcp_info(holder.end))

    def getsockname(self, fd: int, address: Any, length: Any) -> int:
        """The address in the fake network."""
        return self._name(fd, address, length, super().getsockname, "local")

    def getpeername(self, fd: int, address: Any, length: Any) -> int:
        """The peer's address in the fake network."""
        return self._name(fd, address, length, super().getpeername, "remote")

    def _name(self, fd: int, address: Any, length: Any, real: Any, side: str) -> int:
        result: int = real(fd, address, length)
        holder = self._world.holder(fd)
        known: Endpoint | None = getattr(holder, side) if holder else None
        if result != 0 or holder is None or known is None:
            return result
        if side == "remote" and holder.end is not None and holder.end.is_gone:
            return _failed(ENOTCONN)
        return _answer(address, length, answers.sockaddr(known, holder.family))

    def stream_socket(self, family: int, protocol: int) -> socket:
        """A socket of the fake, as everybody makes one."""
        return Socket(family, proto=protocol)

    def netlink(self, protocol: int) -> socket:
        """A socket whose kernel is the fake one."""
        return NetlinkSocket(self._world, protocol)

    def ioctl(self, fd: int, request: int) -> FileIO:
        """SIOCGSKNS without the privilege that it takes: there is one namespace."""
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            raise OSError(ENOTTY, os.strerror(ENOTTY))
        return FileIO(_OWN_NAMESPACE)

    def interfaces(self) -> list[tuple[int, str]]:
        """The paths of the fake."""
        return [(1, "lo"), *((path.number, path.name) for path in self._world.paths)]

    def read(self, path: str) -> bytes:
        """The path manager of the connections that are made next."""
        if Path(path).name != "path_manager":
            raise FileNotFoundError(path)
        return self._world.path_manager.encode()

    def write(self, path: str, value: bytes) -> None:
        """The path manager of the connections that are made next."""
        if Path(path).name != "path_manager":
            raise FileNotFoundError(path)
        if not self._world.is_admin:
            raise PermissionError(EPERM, os.strerror(EPERM))
        self._world.path_manager = self._world.peer_path_manager = value.decode()


def _failed(code: int) -> int:
    ctypes.set_errno(code)
    return -1


def _answer(value: Any, length: Any, data: bytes) -> int:
    """Leave as much of the answer as there is room for."""
    room = ctypes.cast(length, ctypes.POINTER(ctypes.c_uint32)).contents
    room.value = min(room.value, len(data))
    if room.value:
        ctypes.memmove(value, data, room.value)
    return 0


def _full_info(holder: Holder, value: Any, length: Any) -> int:
    """``struct mptcp_full_info`` and its two arrays."""
    head = ctypes.string_at(value, abi.MPTCP_FULL_INFO_HEAD.size)
    asked = abi.MPTCP_FULL_INFO_HEAD.unpack(head)
    _, tcp_size, _, entry_size, _, room, entries_at, tcp_infos_at = asked
    if entry_size < abi.MPTCP_SUBFLOW_INFO.size:
        return _failed(EINVAL)
    info, entries, tcp_infos = answers.full_info(holder.end, tcp_size)
    kept = min(tcp_size, max(map(len, tcp_infos), default=tcp_size))
    for place, size, rows in (
        (entries_at, entry_size, entries),
        (tcp_infos_at, kept, tcp_infos),
    ):
        for number, row in enumerate(rows[:room]):
            ctypes.memmove(place + number * size, row, min(size, len(row)))
    answered = abi.MPTCP_FULL_INFO_HEAD.pack(
        kept, kept, entry_size, entry_size, len(entries), room, entries_at, tcp_infos_at
    )
    return _answer(value, length, answered + info)
