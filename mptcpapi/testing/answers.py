"""What the fake kernel answers, in the bytes of the real one. No I/O but looking at figures."""

from __future__ import annotations

import os
import struct
from ipaddress import ip_address
from socket import AF_INET, AF_INET6
from typing import Any

from mptcpapi import abi
from mptcpapi.abi import TcpState
from mptcpapi.endpoint import Endpoint
from mptcpapi.importing import importing
from mptcpapi.nlmsg import attribute
from mptcpapi.testing.connection import End, Leg
from mptcpapi.testing.ports import Holder

EVENT_GROUP = 7
"""Number of the multicast group of events; the kernel's differs from boot to boot."""
FAMILY = 0x4D
"""Number of the generic netlink family; the kernel's differs, too."""

NOWHERE = Endpoint("0.0.0.0", 0)  # noqa: S104 - told, not bound
MAPPED = bytes(10) + b"\xff\xff"
"""What an IPv4 address has before it where one of IPv6 is wanted."""

_SOCKADDR_STORAGE = 128
_COUNTERS = {
    "bytes_acked", "bytes_received", "segs_out", "segs_in", "data_segs_in", "data_segs_out",
    "delivered", "bytes_sent", "bytes_retrans", "total_retrans", "unacked", "notsent_bytes",
}  # fmt: skip
"""Figures of ``struct tcp_info`` that tell what was carried."""


def sockaddr(endpoint: Endpoint, family: int) -> bytes:
    """``struct sockaddr_in`` or ``sockaddr_in6``; IPv4 is mapped on a socket of AF_INET6."""
    packed = _packed(endpoint.host, family)
    head = abi.SOCKADDR_FAMILY.pack(family)
    if family == AF_INET:
        return head + abi.SOCKADDR_IN.pack(endpoint.port, packed)[2:] + bytes(8)
    return head + abi.SOCKADDR_IN6.pack(endpoint.port, packed)[2:] + bytes(4)


def full_info(end: End | None, tcp_size: int) -> tuple[bytes, list[bytes], list[bytes]]:
    """``struct mptcp_info`` and, for each subflow, its ``mptcp_subflow_info`` and ``tcp_info``."""
    legs = [] if end is None or end.is_gone else end.legs
    entries = [
        abi.MPTCP_SUBFLOW_INFO.pack(
            leg.id,
            sockaddr(leg.local, leg.local.family).ljust(_SOCKADDR_STORAGE, b"\0"),
            sockaddr(leg.remote, leg.remote.family).ljust(_SOCKADDR_STORAGE, b"\0"),
        )
        for leg in legs
    ]
    return mptcp_info(end), entries, [tcp_info(leg)[:tcp_size] for leg in legs]


def mptcp_info(end: End | None) -> bytes:
    """``struct mptcp_info``; of a socket that is not connected, zeros."""
    fields: dict[str, int] = {}
    if end is not None and not end.is_aborted:
        carried = end.below.figures()
        legs = [] if end.is_gone else end.open_legs()
        fields = {
            "subflows": sum(leg.id != 1 for leg in legs),
            "add_addr_signal": end.announced,
            "flags": abi.MPTCP_INFO_FLAG_REMOTE_KEY_RECEIVED,
            "token": end.token,
            "write_seq": carried.get("bytes_sent", 0) + 1,
            "snd_una": max(carried["bytes_acked"], 1),
            "rcv_nxt": carried["bytes_received"] + 1,
            "local_addr_used": len(end.addresses),
            "bytes_sent": carried.get("bytes_sent", 0),
            "bytes_received": carried["bytes_received"],
            "bytes_acked": max(carried["bytes_acked"] - (not end.is_server), 0),
            "subflows_total": len(legs) % 256,
            **{name: carried[name] for name in ("last_data_sent", "last_data_recv")},
            "last_ack_recv": carried["last_ack_recv"],
        }
    return _pack(abi.MPTCP_INFO_ROWS, fields).ljust(abi.MPTCP_INFO_SIZE, b"\0")


def tcp_info(leg: Leg) -> bytes:
    """The figures of the socket that carries the data; the counters are the initial subflow's."""
    fields = leg.end.below.figures()
    fields["state"] = leg.state
    if leg.id != 1:
        fields |= dict.fromkeys(_COUNTERS & fields.keys(), 0)
    return _pack(abi.TCP_INFO_ROWS, fields)


def _pack(rows: tuple[str, ...], fields: dict[str, int]) -> bytes:
    """A struct of C; what ``fields`` lacks is 0."""
    split = [row.split() for row in rows]
    values = [fields.get(name, 0) for _, *names in split for name in names]
    return struct.pack("@" + "".join(kind * len(names) for kind, *names in split), *values)


def family() -> bytes:
    """The answer to CTRL_CMD_GETFAMILY about ``mptcp_pm``."""
    name = abi.MPTCP_PM_EV_GRP_NAME.encode() + b"\0"
    group = attribute(abi.CTRL_ATTR_MCAST_GRP_NAME, name) + attribute(
        abi.CTRL_ATTR_MCAST_GRP_ID, struct.pack("=I", EVENT_GROUP)
    )
    return (
        abi.GENLMSGHDR.pack(1, 2, 0)
        + attribute(abi.CTRL_ATTR_FAMILY_ID, struct.pack("=H", FAMILY))
        + attribute(abi.CTRL_ATTR_MCAST_GROUPS, attribute(1, group))
    )


def connection(end: End) -> bytes:
    """``struct inet_diag_msg`` with INET_DIAG_INFO: a socket of IPPROTO_MPTCP."""
    names = (end.local, end.remote)
    return _listed(end.family, end.state, names, end.below.inode, mptcp_info(end))


def fallen_back(holder: Holder) -> bytes:
    """The same of one whose connection is TCP."""
    names = (holder.local or NOWHERE, holder.remote or NOWHERE)
    flags = abi.MPTCP_INFO_FLAG_FALLBACK
    info = _pack(abi.MPTCP_INFO_ROWS, {"flags": flags, "token": holder.token, "subflows_total": 1})
    return _listed(holder.family, holder.below.state, names, holder.below.inode, info)


def _listed(
    family: int, state: TcpState, names: tuple[Endpoint, Endpoint], inode: int, info: bytes
) -> bytes:
    ports = [name.port.to_bytes(2, "big") for name in names]
    hosts = [_packed(name.host, family) for name in names]
    head = abi.INET_DIAG_MSG.pack(family, state, *ports, *hosts, 0, 0, os.getuid(), inode)
    return head + attribute(abi.INET_DIAG_INFO, info.ljust(abi.MPTCP_INFO_SIZE, b"\0"))


def _packed(host: str, family: int) -> bytes:
    """The bytes of an address on a socket of this family: IPv4 is mapped on one of AF_INET6."""
    packed = ip_address(host).packed
    return MAPPED + packed if family == AF_INET6 and len(packed) == 4 else packed


def diag(leg: Leg) -> bytes:
    """``struct inet_diag_msg`` with INET_ULP_INFO_MPTCP."""
    head = abi.INET_DIAG_MSG.pack(
        leg.local.family, leg.state,
        leg.local.port.to_bytes(2, "big"), leg.remote.port.to_bytes(2, "big"),
        ip_address(leg.local.host).packed, ip_address(leg.remote.host).packed,
        leg.interface, leg.cookie, 0, leg.end.below.inode,
    )  # fmt: skip
    part = (
        attribute(abi.MPTCP_SUBFLOW_ATTR_FLAGS, struct.pack("=I", leg.flags))
        + attribute(abi.MPTCP_SUBFLOW_ATTR_ID_REM, bytes([leg.remote_id]))
        + attribute(abi.MPTCP_SUBFLOW_ATTR_ID_LOC, bytes([leg.local_id]))
    )
    return head + attribute(abi.INET_DIAG_ULP_INFO, attribute(abi.INET_ULP_INFO_MPTCP, part))


def event(kind: int, leg: Leg, **fields: int) -> bytes:
    """An event about one subflow; ``fields``: attributes by their names in lower case."""
    return _event(
        kind,
        token=leg.end.token,
        **_address("s", leg.local),
        **_address("d", leg.remote),
        loc_id=leg.local_id,
        rem_id=leg.remote_id,
        **fields,
    )


def closed(end: End) -> bytes:
    """MPTCP_EVENT_CLOSED."""
    return _event(abi.MPTCP_EVENT_CLOSED, token=end.token)


def announced(end: End, address: Endpoint, address_id: int) -> bytes:
    """MPTCP_EVENT_ANNOUNCED to ``end``."""
    return _event(
        abi.MPTCP_EVENT_ANNOUNCED, token=end.token, rem_id=address_id, **_address("d", address)
    )


def removed(end: End, address_id: int) -> bytes:
    """MPTCP_EVENT_REMOVED to ``end``."""
    return _event(abi.MPTCP_EVENT_REMOVED, token=end.token, rem_id=address_id)


def listener(kind: int, local: Endpoint) -> bytes:
    """MPTCP_EVENT_LISTENER_CREATED or _CLOSED."""
    return _event(kind, **_address("s", local))


def _event(kind: int, **fields: Any) -> bytes:
    with importing:
        from mptcpapi import tables  # noqa: PLC0415 - see there

    message: Any = tables.mptcp_event_msg()
    message["cmd"], message["version"] = kind, abi.MPTCP_PM_VER
    message["attrs"] = [(f"MPTCP_ATTR_{name.upper()}", value) for name, value in fields.items()]
    message.encode()
    return bytes(message.data[abi.NLMSGHDR.size :])


def _address(side: str, endpoint: Endpoint) -> dict[str, Any]:
    version = 4 if endpoint.family != AF_INET6 else 6
    return {f"{side}addr{version}": endpoint.host, f"{side}port": endpoint.port}
