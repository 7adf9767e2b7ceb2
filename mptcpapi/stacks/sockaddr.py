"""``struct sockaddr`` for functions of C, and back: AF_INET, AF_INET6, AF_NETLINK."""

from __future__ import annotations

import ctypes
import socket
from errno import EAFNOSUPPORT
from struct import Struct
from typing import Any

_FAMILY = Struct("=H")
_INET = Struct("!H4s8x")
_INET6 = Struct("!HI16s")
_SCOPE = Struct("=I")
_NETLINK = Struct("=HII")

SIZE = 128
"""struct sockaddr_storage"""


def space() -> tuple[ctypes.Array[ctypes.c_char], ctypes.c_uint]:
    """Room for an address that a call is to tell, and how much it is."""
    return ctypes.create_string_buffer(SIZE), ctypes.c_uint(SIZE)


def pack(family: int, address: Any) -> bytes:
    """The bytes of an address, as ``socket.socket.connect`` takes it; a host is numeric.

    :raises socket.gaierror: the host is a name
    :raises TypeError, OverflowError: as there, for what is no address
    """
    if family == socket.AF_NETLINK:
        return _FAMILY.pack(family) + _NETLINK.pack(0, *address)
    if family not in {socket.AF_INET, socket.AF_INET6}:
        raise OSError(EAFNOSUPPORT, f"this stack has no addresses of family {family}")
    host, port, *rest = _checked(address)
    any_host = "::" if family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104 - "" in Python
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    found = socket.getaddrinfo(host or any_host, port, family, socket.SOCK_STREAM, 0, flags)
    numeric: Any = found[0][4]
    octets = socket.inet_pton(family, str(numeric[0]).partition("%")[0])
    if family == socket.AF_INET:
        return _FAMILY.pack(family) + _INET.pack(port, octets)
    flow, scope = (tuple(rest) + tuple(numeric[2 + len(rest) :]))[:2]
    return _FAMILY.pack(family) + _INET6.pack(port, flow, octets) + _SCOPE.pack(scope)


def _checked(address: Any) -> Any:
    if not isinstance(address, tuple) or len(address) not in {2, 3, 4}:
        raise TypeError(f"an address is a tuple of host and port, not {address!r}")
    if not isinstance(address[1], int):
        raise TypeError(f"a port is an integer, not {address[1]!r}")
    if not 0 <= address[1] <= 0xFFFF:
        raise OverflowError("port must be 0-65535.")
    return address


def unpack(data: bytes) -> Any:
    """An address as Python's sockets give it; ``None`` if there is none."""
    if len(data) < _FAMILY.size:
        return None
    (family,) = _FAMILY.unpack_from(data)
    if family == socket.AF_INET:
        port, octets = _INET.unpack_from(data, _FAMILY.size)
        return socket.inet_ntop(family, octets), port
    if family == socket.AF_INET6:
        port, flow, octets = _INET6.unpack_from(data, _FAMILY.size)
        (scope,) = _SCOPE.unpack_from(data, _FAMILY.size + _INET6.size)
        return socket.inet_ntop(family, octets), port, flow, scope
    if family == socket.AF_NETLINK:
        return _NETLINK.unpack_from(data, _FAMILY.size)[1:]
    return None
