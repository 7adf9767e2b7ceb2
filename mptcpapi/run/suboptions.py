"""MPTCP_SUB_GETSOCKOPT and MPTCP_SUB_SETSOCKOPT: values as C passes them."""

from __future__ import annotations

import sys
from errno import EINVAL, ENOPROTOOPT
from socket import IPPROTO_IP, IPPROTO_TCP
from typing import Final

from mptcpapi import abi, draft
from mptcpapi.errors import InvalidArgument, Unsupported
from mptcpapi.info import Descriptor
from mptcpapi.subflow_options.table import Kind, Option, find

MOST_BYTES: Final = 1024
"""Of a value; none is longer."""
_INT_SIZE: Final = 4
_OCTET: Final = 0xFF


def get(sock: Descriptor, subflow: int, level: int, option: int, room: int) -> bytes:
    """The value, in at most ``room`` bytes.

    :raises MptcpError: what `draft.get_sub_sockopt` raises, with the draft's errno
    """
    if room < 0:
        raise InvalidArgument(EINVAL, f"a length of {room} bytes")
    _check(level, option)
    value = draft.get_sub_sockopt(sock, subflow, level, option, max(room, _INT_SIZE))
    assert isinstance(value, bytes)  # noqa: S101 - a length was given, which mypy does not see
    return _short(value) if level == IPPROTO_IP and 0 < room < _INT_SIZE else value[:room]


def _short(value: bytes) -> bytes:
    """One byte, as options of IP are given in less than an int (``do_ip_getsockopt``)."""
    return bytes([int.from_bytes(value, sys.byteorder) & _OCTET])


def set(sock: Descriptor, subflow: int, level: int, option: int, value: bytes) -> None:
    """Set it.

    :raises MptcpError: what `draft.set_sub_sockopt` raises, with the draft's errno
    """
    draft.set_sub_sockopt(sock, subflow, level, option, whole(level, option, value))


def whole(level: int, option: int, value: bytes) -> bytes:
    """The value as the kernel reads it: an int of what may be more, or, at IPPROTO_IP, one byte.

    :raises InvalidArgument: it is too short (EINVAL)
    :raises Unsupported: one subflow has no such option (ENOPROTOOPT)
    """
    known = _check(level, option)
    if known is None or known.kind is not Kind.INTEGER:
        return value.partition(b"\0")[0]
    if level == IPPROTO_IP and 0 < len(value) < _INT_SIZE:
        return value[0].to_bytes(_INT_SIZE, sys.byteorder)
    if len(value) < known.size:
        text = f"{known.name} in {len(value)} bytes: expected {known.size}"
        raise InvalidArgument(EINVAL, text)
    return value[: known.size]


def _check(level: int, option: int) -> Option:
    if level == IPPROTO_TCP and option >= abi.TCP_BPF_IW:
        text = f"option {option} at IPPROTO_TCP is one that BPF programs have, and no application"
        raise Unsupported(ENOPROTOOPT, text)
    try:
        return find(level, option)
    except Unsupported as lacking:
        raise Unsupported(ENOPROTOOPT, lacking.strerror) from lacking
