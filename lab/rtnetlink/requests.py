"""The requests to rtnetlink that make a network: interfaces, addresses, rules, routes. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from socket import AF_INET, AF_INET6

from lab.rtnetlink.channel import CREATE, EXCLUSIVE, REPLACE, Answer, Request, attribute, attributes

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network

# <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>, <linux/fib_rules.h>, <linux/veth.h>
_RTM_NEWLINK, _RTM_GETLINK, _RTM_SETLINK = 16, 18, 19
_RTM_NEWADDR, _RTM_NEWROUTE, _RTM_NEWRULE = 20, 24, 32
_IFINFO = struct.Struct("=BxHiII")
_IFADDR = struct.Struct("=BBBBI")
_RTMSG = struct.Struct("=BBBBBBBBI")
_RULE = struct.Struct("=BBBBBxxBI")
_IFF_UP = 0x1
_IFLA_IFNAME, _IFLA_MASTER, _IFLA_OPERSTATE, _IFLA_LINKINFO = 3, 10, 16, 18
_IFLA_NET_NS_FD, _IFLA_CARRIER, _IFLA_GSO_MAX_SEGS = 28, 33, 40
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _IFLA_INFO_SLAVE_DATA = 1, 2, 5
_VETH_INFO_PEER, _IFLA_BR_MCAST_SNOOPING, _IFLA_BRPORT_STATE = 1, 23, 1
_IF_OPER_UP, _BR_STATE_FORWARDING = 6, 3
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFA_F_NODAD = 0x02
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_TABLE = 1, 4, 5, 6, 15
_RTPROT_STATIC, _RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK = 4, 0, 253
_RTN_UNICAST, _RTN_UNREACHABLE = 1, 7
_LAST_CHOICE = 0x7FFFFFFF
_FRA_SRC, _FRA_PRIORITY, _FRA_TABLE, _FR_ACT_TO_TBL = 2, 6, 15, 1


@dataclass(frozen=True, slots=True)
class LinkState:
    """What the kernel says of an interface."""

    index: int
    name: str
    up: bool
    """Whether it was set up."""
    passes: bool
    """Whether it passes packets on: its peer is up too, and as a port of a bridge it forwards."""


@dataclass(frozen=True, slots=True)
class NewEnd:
    """One end of a pair that is to be made."""

    name: str
    namespace: int
    """The descriptor of its network namespace."""
    index: int
    """Its index there."""


def veth(first: NewEnd, second: NewEnd) -> Request:
    """A pair of interfaces, the first of which is up.

    The kernel refuses to set up the second before it has the first (veth_open()). Where both have
    the same index, it takes up to a second to see that they are up: for linkwatch_urgent_event()
    such an interface has no peer that waits for it.
    """
    data = attribute(_IFLA_INFO_DATA, attribute(_VETH_INFO_PEER, _new_end(second, 0)))
    kind = attribute(_IFLA_LINKINFO, attribute(_IFLA_INFO_KIND, "veth") + data)
    what = f"interfaces {first.name} and {second.name}"
    return Request(what, _RTM_NEWLINK, CREATE | EXCLUSIVE, _new_end(first, _IFF_UP) + kind)


def _new_end(end: NewEnd, flags: int) -> bytes:
    return (
        _IFINFO.pack(0, 0, end.index, flags, flags)
        + attribute(_IFLA_IFNAME, end.name)
        + attribute(_IFLA_NET_NS_FD, end.namespace)
        # Else segmentation offload puts several segments into one packet of a capture or a queue.
        + attribute(_IFLA_GSO_MAX_SEGS, 1)
    )


def bridge(name: str) -> Request:
    """A bridge that is up, and looks into no multicast."""
    data = attribute(_IFLA_INFO_DATA, attribute(_IFLA_BR_MCAST_SNOOPING, b"\0"))
    kind = attribute(_IFLA_LINKINFO, attribute(_IFLA_INFO_KIND, "bridge") + data)
    body = _IFINFO.pack(0, 0, 0, _IFF_UP, _IFF_UP) + attribute(_IFLA_IFNAME, name) + kind
    return Request(f"bridge {name}", _RTM_NEWLINK, CREATE | EXCLUSIVE, body)


def enslave(index: int, master: int) -> Request:
    """Make an interface a port of a bridge."""
    body = _IFINFO.pack(0, 0, index, 0, 0) + attribute(_IFLA_MASTER, master)
    return Request(f"interface {index} in bridge {master}", _RTM_NEWLINK, 0, body)


def set_up(name: str, up: bool = True) -> Request:
    """Set an interface up, or down."""
    body = _IFINFO.pack(0, 0, 0, _IFF_UP if up else 0, _IFF_UP) + attribute(_IFLA_IFNAME, name)
    return Request(f"interface {name} {'up' if up else 'down'}", _RTM_SETLINK, 0, body)


def links() -> Request:
    """Ask for all interfaces; :func:`link_state` reads an answer."""
    return Request("a list of interfaces", _RTM_GETLINK, 0, _IFINFO.pack(0, 0, 0, 0, 0))


def link_state(answer: Answer) -> LinkState:
    """What an answer says of its interface."""
    _, _, index, flags, _ = _IFINFO.unpack_from(answer.body)
    found = attributes(answer.body, _IFINFO.size)
    info = attributes(found.get(_IFLA_LINKINFO, b""))
    port = attributes(info.get(_IFLA_INFO_SLAVE_DATA, b""))
    forwards = port.get(_IFLA_BRPORT_STATE, bytes([_BR_STATE_FORWARDING]))[0]
    # A tap has its carrier from the first moment and never says so (UNKNOWN, RFC 2863).
    tap = info.get(_IFLA_INFO_KIND) == b"tun\0" and found[_IFLA_CARRIER] == b"\1"
    carrier = tap or found[_IFLA_OPERSTATE][0] == _IF_OPER_UP
    return LinkState(
        index,
        found[_IFLA_IFNAME].rstrip(b"\0").decode("ascii"),
        bool(flags & _IFF_UP),
        carrier and forwards == _BR_STATE_FORWARDING,
    )


def address(index: int, of: Interface) -> Request:
    """An address of an interface, usable at once: without duplicate address detection."""
    body = _IFADDR.pack(_family(of), of.network.prefixlen, 0, 0, index)
    body += attribute(_IFA_LOCAL, of.ip.packed) + attribute(_IFA_ADDRESS, of.ip.packed)
    if of.version == 6:
        body += attribute(_IFA_FLAGS, _IFA_F_NODAD)
    return Request(f"address {of}", _RTM_NEWADDR, CREATE | EXCLUSIVE, body)


def rule(source: Address, table: int, priority: int) -> Request:
    """Route what comes from an address by a table."""
    body = _RULE.pack(_family(source), 0, source.max_prefixlen, 0, 0, _FR_ACT_TO_TBL, 0)
    body += attribute(_FRA_SRC, source.packed)
    body += attribute(_FRA_PRIORITY, priority) + attribute(_FRA_TABLE, table)
    return Request(f"a rule for {source}", _RTM_NEWRULE, CREATE | EXCLUSIVE, body)


def route(
    destination: Network, table: int, *, index: int = 0, gateway: Address | None = None,
    on_link: bool = False, replace: bool = False,
) -> Request:  # fmt: skip
    """A way to a destination; without an interface (``index``) it is the table's last: none."""
    kind, scope = (_RTN_UNICAST if index else _RTN_UNREACHABLE), _RT_SCOPE_UNIVERSE
    if on_link:
        scope = _RT_SCOPE_LINK
    body = _RTMSG.pack(
        _family(destination), destination.prefixlen, 0, 0, 0, _RTPROT_STATIC, scope, kind, 0
    )
    body += attribute(_RTA_DST, destination.network_address.packed) + attribute(_RTA_TABLE, table)
    body += attribute(_RTA_OIF, index) if index else attribute(_RTA_PRIORITY, _LAST_CHOICE)
    if gateway:
        body += attribute(_RTA_GATEWAY, gateway.packed)
    flags = CREATE | (REPLACE if replace else EXCLUSIVE)
    return Request(f"a route to {destination}", _RTM_NEWROUTE, flags, body)


def _family(of: Address | Interface | Network) -> int:
    return AF_INET if of.version == 4 else AF_INET6
