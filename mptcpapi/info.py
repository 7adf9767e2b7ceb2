"""What ``getsockopt`` at SOL_MPTCP tells of a connection (``include/uapi/linux/mptcp.h``).

The ``decode_`` functions are pure; the ``read_`` functions ask the kernel.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from errno import EBADF, EBADMSG, EINVAL, ENOPROTOOPT, ENOTCONN, ENOTSOCK, EOPNOTSUPP
from functools import lru_cache
from socket import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    SO_PROTOCOL,
    SO_TYPE,
    SOCK_STREAM,
    SOL_SOCKET,
    AddressFamily,
    SocketKind,
)
from struct import error as StructError
from typing import Protocol

from mptcpapi import abi, syscalls
from mptcpapi.abi import TcpState
from mptcpapi.endpoint import Endpoint, decode_sockaddr
from mptcpapi.errors import (
    BadAnswer,
    ConnectionEnded,
    FallenBack,
    InvalidArgument,
    KernelRefused,
    MptcpError,
    SocketClosed,
    Unsupported,
    is_integer,
)

FIRST_ROOM = 8
"""Subflows for which room is made before the kernel has said how many there are."""
_TCP_STATE_SIZE = 1
"""``tcpi_state`` is the first byte of ``struct tcp_info``, and mostly all that is asked for."""

_REMEMBERED = 1024
"""Entries of MPTCP_FULL_INFO whose decoded values are kept."""

_NOT_MPTCP = {EOPNOTSUPP, ENOPROTOOPT}
"""How options of SOL_MPTCP fail on TCP, over IPv4 and over IPv6."""

_SOCKADDR_STORAGE_SIZE = 128

_GREATEST_DESCRIPTOR = (1 << 31) - 1


class HasFileno(Protocol):
    """A socket object of any class."""

    def fileno(self) -> int:
        """Its descriptor; negative once it is closed."""


Descriptor = int | HasFileno
"""What every operation takes: a descriptor, or anything that has one."""


@dataclass(frozen=True, slots=True)
class Subflow:
    """One subflow as it was when the kernel was asked: what MPTCP_FULL_INFO lists."""

    id: int
    """Unique in its connection and never used again; the initial subflow is 1. Each host counts
    for itself."""
    local: Endpoint
    remote: Endpoint
    state: TcpState
    """Of its TCP connection."""


@dataclass(frozen=True, slots=True)
class FullInfo:
    """What MPTCP_FULL_INFO tells."""

    token: int
    """The connection's local token, by which netlink knows it."""
    count: int
    """Subflows that the kernel has; more than are listed if the room was too small."""
    subflows: tuple[Subflow, ...]
    """In the kernel's order, closed ones that are still listed included."""
    tcp_infos: bytes
    """As much of ``struct tcp_info`` as was asked for and as the kernel has, of each in turn."""

    def tcp_info(self, subflow: Subflow) -> bytes:
        """That of one of ``subflows``."""
        size = len(self.tcp_infos) // len(self.subflows)
        start = self.subflows.index(subflow) * size
        return self.tcp_infos[start : start + size]


def fileno(sock: Descriptor) -> int:
    """The descriptor of ``sock``.

    :raises SocketClosed: it has been closed
    :raises InvalidArgument: it has none
    """
    fd = sock if isinstance(sock, int) else _ask_fileno(sock)
    if not is_integer(fd):
        text = f"expected a socket or a file descriptor, not {type(sock).__name__}"
        raise InvalidArgument(EINVAL, text)
    if fd < 0:
        raise SocketClosed(EBADF, "this socket is closed")
    if fd > _GREATEST_DESCRIPTOR:  # ctypes would cut it down to another one
        raise SocketClosed(EBADF, f"descriptor {fd} is closed: there are none so high")
    return fd


def _ask_fileno(sock: HasFileno) -> object:
    try:
        return sock.fileno()
    except (AttributeError, TypeError, OSError):
        return None
    except ValueError:  # so say files that are closed
        return -1


def mptcp_in_use(fd: int) -> bool:
    """Whether the socket speaks MPTCP; meaningful once it is connected.

    The rule of the kernel's documentation: MPTCP_INFO is answered only on MPTCP connections (Linux
    5.16 and later); after fallback it fails with EOPNOTSUPP over IPv4, ENOPROTOOPT over IPv6.
    """
    length = ctypes.byref(ctypes.c_uint32(0))
    if syscalls.current.getsockopt(fd, abi.SOL_MPTCP, abi.MPTCP_INFO, None, length) == 0:
        return True
    code = ctypes.get_errno()
    if code not in _NOT_MPTCP:
        raise _socket_error(fd, code)
    return False


def read_inode(fd: int) -> int:
    """The inode of the socket, which sock_diag shows with each of its subflows."""
    try:
        return os.fstat(fd).st_ino
    except OSError as failed:
        raise _socket_error(fd, failed.errno or EBADF) from failed


def read_names(fd: int) -> tuple[Endpoint, Endpoint]:
    """The local and remote endpoint of the connection: for ever those of its initial subflow.

    :raises ConnectionEnded: it is not connected, or not any more
    """
    calls = syscalls.current
    return _read_name(fd, calls.getsockname), _read_name(fd, calls.getpeername)


def read_family(fd: int) -> int:
    """AF_INET or AF_INET6."""
    return _read_option(fd, abi.SO_DOMAIN)


def read_address_family(fd: int) -> int:
    """Of which family its addresses can be: AF_INET, or AF_UNSPEC on an AF_INET6 socket: both."""
    return AF_INET if read_family(fd) == AF_INET else AF_UNSPEC


def another_connection(fd: int, token: int) -> ConnectionEnded | SocketClosed:
    """The error for a socket whose token is not what it was when the call began, but this."""
    if token == 0:  # the kernel takes it away with the connection
        return ConnectionEnded(ENOTCONN, f"descriptor {fd}: the connection ended during the call")
    return SocketClosed(EBADF, f"descriptor {fd} was closed, and is another socket now")


def _read_option(fd: int, option: int) -> int:
    value = ctypes.c_int()
    length = ctypes.c_uint32(ctypes.sizeof(value))
    answer = (ctypes.byref(value), ctypes.byref(length))
    if syscalls.current.getsockopt(fd, SOL_SOCKET, option, *answer) != 0:
        raise _socket_error(fd, ctypes.get_errno())
    return value.value


def _read_name(fd: int, call: Callable[..., int]) -> Endpoint:
    address = ctypes.create_string_buffer(_SOCKADDR_STORAGE_SIZE)
    length = ctypes.c_uint32(_SOCKADDR_STORAGE_SIZE)
    if call(fd, address, ctypes.byref(length)) != 0:
        code = ctypes.get_errno()
        if code == ENOTCONN:
            raise ConnectionEnded(ENOTCONN, f"descriptor {fd} is not connected, or not any more")
        raise _socket_error(fd, code)
    return decode_sockaddr(address.raw)


def read_full_info(fd: int, *, tcp_info_size: int = _TCP_STATE_SIZE) -> FullInfo:
    """The connection's token and all its subflows, closed ones that are still listed included.

    ``tcp_info_size``: at most so many bytes of each subflow's ``struct tcp_info``.

    :raises FallenBack: the socket is TCP
    :raises Unsupported: a kernel without MPTCP_FULL_INFO (before Linux 6.5)
    """
    room = FIRST_ROOM
    while True:
        info = _read_full_info(fd, room, tcp_info_size)
        if info.count <= room:
            return info
        room = info.count


def _read_full_info(fd: int, room: int, tcp_info_size: int) -> FullInfo:
    entries = ctypes.create_string_buffer(room * abi.MPTCP_SUBFLOW_INFO.size)
    tcp_infos = ctypes.create_string_buffer(room * tcp_info_size)
    head = abi.MPTCP_FULL_INFO_HEAD.pack(
        0,
        tcp_info_size,
        0,
        abi.MPTCP_SUBFLOW_INFO.size,
        0,
        room,
        ctypes.addressof(entries),
        ctypes.addressof(tcp_infos),
    )
    size = len(head) + abi.MPTCP_INFO_SIZE
    answer = ctypes.create_string_buffer(head, size)
    length = ctypes.c_uint32(size)
    option = abi.MPTCP_FULL_INFO
    if syscalls.current.getsockopt(fd, abi.SOL_MPTCP, option, answer, ctypes.byref(length)) != 0:
        raise _full_info_error(fd, ctypes.get_errno())
    return decode_full_info(answer.raw[: length.value], entries.raw, tcp_infos.raw)


def read_mptcp_info(fd: int) -> bytes:
    """``struct mptcp_info`` of the connection, as far as this kernel has it.

    :raises FallenBack: the socket is TCP
    """
    answer = ctypes.create_string_buffer(abi.MPTCP_INFO_SIZE)
    length = ctypes.c_uint32(abi.MPTCP_INFO_SIZE)
    option = abi.MPTCP_INFO
    if syscalls.current.getsockopt(fd, abi.SOL_MPTCP, option, answer, ctypes.byref(length)) != 0:
        code = ctypes.get_errno()
        raise _not_mptcp(fd) if code in _NOT_MPTCP else _socket_error(fd, code)
    return answer.raw[: length.value]


def decode_full_info(head: bytes, entries: bytes, tcp_infos: bytes) -> FullInfo:
    """``struct mptcp_full_info`` and its two arrays: of subflow infos, of TCP infos."""
    try:
        _, tcp_size, _, entry_size, count, room, _, _ = abi.MPTCP_FULL_INFO_HEAD.unpack_from(head)
        *_, token = abi.MPTCP_INFO_HEAD.unpack_from(head, abi.MPTCP_FULL_INFO_HEAD.size)
    except StructError as broken:
        raise BadAnswer(EBADMSG, f"MPTCP_FULL_INFO of {len(head)} bytes is too short") from broken
    listed = min(count, room)
    if entry_size < abi.MPTCP_SUBFLOW_INFO.size or tcp_size < _TCP_STATE_SIZE:
        raise BadAnswer(EBADMSG, f"subflow infos of {entry_size} and {tcp_size} bytes: too short")
    if len(entries) < listed * entry_size or len(tcp_infos) < listed * tcp_size:
        raise BadAnswer(EBADMSG, f"MPTCP_FULL_INFO lists {listed} subflows that it does not have")
    rows = [
        entries[start : start + entry_size] for start in range(0, listed * entry_size, entry_size)
    ]
    subflows = tuple(map(_decode_subflow, rows, tcp_infos[::tcp_size]))
    return FullInfo(token, count, subflows, tcp_infos[: listed * tcp_size])


# A subflow is mostly listed again as it was before, and looking that up is much the faster.
@lru_cache(maxsize=_REMEMBERED)
def _decode_subflow(entry: bytes, state: int) -> Subflow:
    number, local, remote = abi.MPTCP_SUBFLOW_INFO.unpack_from(entry)
    try:
        known = TcpState(state)
    except ValueError as unknown:
        raise BadAnswer(EBADMSG, f"subflow {number} is in TCP state {state}: unknown") from unknown
    return Subflow(number, decode_sockaddr(local), decode_sockaddr(remote), known)


def _full_info_error(fd: int, code: int) -> MptcpError:
    if code not in _NOT_MPTCP:
        return _socket_error(fd, code)
    if mptcp_in_use(fd):
        text = "this kernel cannot list subflows: MPTCP_FULL_INFO came with Linux 6.5"
        return Unsupported(EOPNOTSUPP, text)
    return _not_mptcp(fd)


def _not_mptcp(fd: int) -> FallenBack | InvalidArgument:
    """The error for a socket that has no subflows: TCP's, or another that never has any."""
    family, kind = read_family(fd), _read_option(fd, SO_TYPE)
    if family not in {AF_INET, AF_INET6} or kind != SOCK_STREAM:
        made = f"{_name(AddressFamily, family)} and {_name(SocketKind, kind)}"
        text = f"descriptor {fd} is a socket of {made}: expected one of MPTCP"
        return InvalidArgument(EINVAL, text)
    if _read_option(fd, SO_PROTOCOL) == abi.IPPROTO_MPTCP:
        read_names(fd)  # raises if it ended: Linux 6.18 says "TCP" of one that was reset very early
    return FallenBack(
        EOPNOTSUPP,
        f"the connection of descriptor {fd} is TCP: it was made without IPPROTO_MPTCP, or it fell "
        "back because the peer or the path does not let MPTCP through (RFC 8684, section 3.7)",
    )


def _name(names: type[IntEnum], number: int) -> str:
    return names(number).name if number in set(names) else str(number)


def _socket_error(fd: int, code: int) -> MptcpError:
    if code == EBADF:
        return SocketClosed(EBADF, f"descriptor {fd} is closed")
    if code == ENOTSOCK:
        return InvalidArgument(EINVAL, f"descriptor {fd} is not a socket")
    return KernelRefused(code, f"descriptor {fd}: getsockopt: {os.strerror(code)}")
