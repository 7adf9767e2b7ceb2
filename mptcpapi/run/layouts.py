"""The structs of the old options, to values and back; no I/O.

Source: ``include/uapi/linux/tcp.h`` of the kernel that implemented draft-hesmans-mptcp-socket, and
the libraries written for the draft. Two structs have two forms, told apart by their length.
"""

from __future__ import annotations

from collections.abc import Sequence
from errno import EINVAL
from socket import AF_INET, AF_INET6, SHUT_RDWR, inet_pton
from struct import Struct
from typing import Final, NamedTuple

from mptcpapi import abi
from mptcpapi.abi import SubStatusFlag
from mptcpapi.draft import Flow, SubStatus
from mptcpapi.endpoint import Endpoint, decode_sockaddr
from mptcpapi.errors import BadAnswer, InvalidArgument

ID_SIZE: Final = 1
"""Bytes of the id with which each struct that names a subflow begins."""

_SOCKADDR_IN: Final = Struct("=H2s4s8x")
_SOCKADDR_IN6: Final = Struct("=H2s4x16s4x")
_SOCKADDR_STORAGE_SIZE: Final = 128
_WITH_PRIO: Final = 2
"""Bytes before the addresses of a ``mptcp_sub_tuple`` as the draft has it: id and prio."""
_WITHOUT_PRIO: Final = 1
"""The same as that kernel had it: the id alone."""


def _tuple_lengths(head: int, *sizes: int) -> frozenset[int]:
    return frozenset(head + 2 * size for size in sizes)


_OPEN_LENGTHS: Final = {
    head: _tuple_lengths(head, _SOCKADDR_IN.size, _SOCKADDR_IN6.size)
    for head in (_WITHOUT_PRIO, _WITH_PRIO)
}
LONGEST_TUPLE: Final = max(_OPEN_LENGTHS[_WITH_PRIO])
"""Bytes."""
_READ_LENGTHS_WITH_PRIO: Final = _OPEN_LENGTHS[_WITH_PRIO] | _tuple_lengths(
    _WITH_PRIO, _SOCKADDR_STORAGE_SIZE
)


class Closing(NamedTuple):
    """``struct mptcp_close_sub_id``."""

    id: int
    how: int


class SubGet(NamedTuple):
    """``struct mptcp_sub_getsockopt``; addresses are those of the program's memory."""

    id: int
    level: int
    option: int
    value_at: int
    length_at: int


class SubSet(NamedTuple):
    """``struct mptcp_sub_setsockopt``."""

    id: int
    level: int
    option: int
    value_at: int
    length: int


def encode_sub_ids(statuses: Sequence[SubStatus]) -> bytes:
    """``struct mptcp_sub_ids``."""
    head = abi.MPTCP_SUB_IDS.pack(len(statuses))
    return head + b"".join(abi.MPTCP_SUB_STATUS.pack(each.id, _flags(each)) for each in statuses)


def _flags(status: SubStatus) -> SubStatusFlag:
    named = {
        SubStatusFlag.SLAVE_SK: status.slave_sk,
        SubStatusFlag.FULLY_ESTABLISHED: status.fully_established,
        SubStatusFlag.ATTACHED: status.attached,
        SubStatusFlag.LOW_PRIO: status.low_prio,
        SubStatusFlag.PRE_ESTABLISHED: status.pre_established,
    }
    flags = SubStatusFlag(0)
    for flag, is_set in named.items():
        flags |= flag if is_set else 0
    return flags


def encode_tuple(flow: Flow, length: int) -> bytes:
    """``struct mptcp_sub_tuple`` for a buffer of ``length`` bytes: with prio, or without.

    With it is a buffer that is as large as the struct with prio and two ``sockaddr_in``,
    ``sockaddr_in6`` or ``sockaddr_storage``; any other is without. So were those that the known
    programs have: 96, 100 and 60 bytes besides the exact 33 and 57, all of them for the id alone.
    """
    head = bytes([flow.id or 0])
    if length in _READ_LENGTHS_WITH_PRIO:
        head += bytes([bool(flow.low_prio)])
    return head + _encode_sockaddr(flow.local) + _encode_sockaddr(flow.remote)


def decode_tuple(data: bytes) -> Flow:
    """The subflow that a ``struct mptcp_sub_tuple`` asks for.

    :raises InvalidArgument: its length is none of the four, or it has no two addresses of a family
    """
    head = next((head for head, lengths in _OPEN_LENGTHS.items() if len(data) in lengths), None)
    if head is None:
        known = ", ".join(map(str, sorted(frozenset.union(*_OPEN_LENGTHS.values()))))
        raise InvalidArgument(EINVAL, f"a mptcp_sub_tuple of {len(data)} bytes: expected {known}")
    size = (len(data) - head) // 2
    local, remote = _decode_sockaddr(data[head:-size]), _decode_sockaddr(data[-size:])
    return Flow(local, remote, low_prio=head == _WITH_PRIO and data[1] != 0)


def _encode_sockaddr(endpoint: Endpoint) -> bytes:
    layout = _SOCKADDR_IN if endpoint.family == AF_INET else _SOCKADDR_IN6
    packed = inet_pton(endpoint.family, endpoint.host)
    return layout.pack(endpoint.family, endpoint.port.to_bytes(2, "big"), packed)


def _decode_sockaddr(data: bytes) -> Endpoint:
    (family,) = abi.SOCKADDR_FAMILY.unpack_from(data)
    if family != (AF_INET if len(data) == _SOCKADDR_IN.size else AF_INET6):
        text = f"an address of family {family} in {len(data)} bytes: expected two of AF_INET or two"
        raise InvalidArgument(EINVAL, f"{text} of AF_INET6, as the length says")
    try:
        return decode_sockaddr(data)
    except BadAnswer as broken:  # not reached: the length is right
        raise InvalidArgument(EINVAL, broken.strerror) from broken


def decode_close(data: bytes) -> Closing:
    """``struct mptcp_close_sub_id``: with ``how`` where there is room for it.

    :raises InvalidArgument: it is empty
    """
    if not data:
        raise InvalidArgument(EINVAL, "a mptcp_close_sub_id of 0 bytes: expected 1 or 8")
    if len(data) < abi.MPTCP_CLOSE_SUB.size:
        return Closing(data[0], SHUT_RDWR)
    return Closing._make(abi.MPTCP_CLOSE_SUB.unpack_from(data))


def decode_get(data: bytes) -> SubGet:
    """``struct mptcp_sub_getsockopt``.

    :raises InvalidArgument: it has another length
    """
    _check_size("mptcp_sub_getsockopt", data, abi.MPTCP_SUB_GET)
    return SubGet._make(abi.MPTCP_SUB_GET.unpack(data))


def decode_set(data: bytes) -> SubSet:
    """``struct mptcp_sub_setsockopt``.

    :raises InvalidArgument: it has another length
    """
    _check_size("mptcp_sub_setsockopt", data, abi.MPTCP_SUB_SET)
    return SubSet._make(abi.MPTCP_SUB_SET.unpack(data))


def _check_size(name: str, data: bytes, layout: Struct) -> None:
    if len(data) != layout.size:
        text = f"a {name} of {len(data)} bytes: expected {layout.size}"
        raise InvalidArgument(EINVAL, text)
