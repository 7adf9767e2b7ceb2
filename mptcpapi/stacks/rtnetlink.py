"""Requests of rtnetlink(7) as bytes, in pyroute2's tables; no I/O.

Importing pyroute2 takes a fifth of a second: it happens in the first request.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping
from errno import EINVAL
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from typing import Any, NamedTuple

from mptcpapi import abi
from mptcpapi.errors import InvalidArgument
from mptcpapi.importing import importing
from mptcpapi.nlmsg import Message
from mptcpapi.stacks.attributes import refuse_unknown

Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network


class Request(NamedTuple):
    """What ``mptcpapi.netlink.Netlink.request`` takes."""

    kind: int
    body: bytes
    flags: int = 0


NEW = abi.NLM_F_CREATE | abi.NLM_F_EXCL


def get_link(name: str) -> Request:
    """Ask for one interface by its name."""
    return Request(abi.RTM_GETLINK, _link(attrs=[("IFLA_IFNAME", name)]))


def get_link_by_index(index: int) -> Request:
    """Ask for one interface by its index."""
    return Request(abi.RTM_GETLINK, _link(index=index))


def set_link(index: int, *attrs: tuple[str, Any], flags: int = 0, change: int = 0) -> Request:
    """Change an interface: attributes, and those of its flags that ``change`` names."""
    return Request(
        abi.RTM_NEWLINK, _link(index=index, flags=flags, change=change, attrs=list(attrs))
    )


def new_link(name: str, kind: str, data: Mapping[str, Any], attrs: Mapping[str, Any]) -> Request:
    """Make an interface; ``data`` and ``attrs`` have pyroute2's names (``IFLA_VLAN_ID``)."""
    _check_given(kind, data, attrs)
    info: list[tuple[str, Any]] = [("IFLA_INFO_KIND", kind)]
    if data:
        info.append(("IFLA_INFO_DATA", {"attrs": list(data.items())}))
    all_of_it = [("IFLA_IFNAME", name), ("IFLA_LINKINFO", {"attrs": info}), *attrs.items()]
    return Request(abi.RTM_NEWLINK, _link(attrs=all_of_it), NEW)


def delete_link(index: int) -> Request:
    """Delete an interface."""
    return Request(abi.RTM_DELLINK, _link(index=index))


def address(what: Interface, index: int, *, add: bool) -> Request:
    """Give an interface an address, or take it away."""
    octets = str(what.ip)
    attrs = [("IFA_LOCAL", octets), ("IFA_ADDRESS", octets)]
    body = _address(
        family=_family(what), prefixlen=what.network.prefixlen, index=index, attrs=attrs
    )
    return Request(abi.RTM_NEWADDR if add else abi.RTM_DELADDR, body, NEW if add else 0)


def route(to: Network, gateway: str | None, index: int | None, *, add: bool) -> Request:
    """Add a route to the main table, or delete it."""
    attrs: list[tuple[str, Any]] = [("RTA_TABLE", abi.RT_TABLE_MAIN)]
    if to.prefixlen:
        attrs.append(("RTA_DST", str(to.network_address)))
    if gateway is not None:
        attrs.append(("RTA_GATEWAY", gateway))
    if index is not None:
        attrs.append(("RTA_OIF", index))
    scope = abi.RT_SCOPE_UNIVERSE if gateway is not None or to.version == 6 else abi.RT_SCOPE_LINK
    fields: dict[str, Any] = {"proto": abi.RTPROT_BOOT, "type": abi.RTN_UNICAST, "scope": scope}
    if not add:  # any protocol, scope and type
        fields = {"scope": abi.RT_SCOPE_NOWHERE}
    body = _route(
        family=_family(to), dst_len=to.prefixlen, table=abi.RT_TABLE_MAIN, attrs=attrs, **fields
    )
    return Request(abi.RTM_NEWROUTE if add else abi.RTM_DELROUTE, body, NEW if add else 0)


def links(messages: list[Message]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Index and attributes of each interface that was answered."""
    with importing:
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # noqa: PLC0415 - as said above
    for message in messages:
        found = ifinfmsg(message.raw)
        found.decode()
        yield found["index"], dict(found["attrs"])


def _check_given(kind: str, data: Mapping[str, Any], attrs: Mapping[str, Any]) -> None:
    for ours in {"IFLA_IFNAME", "IFLA_LINKINFO"} & {*attrs}:
        raise InvalidArgument(EINVAL, f"{ours} is made of the name, the kind and its data")
    if data and not _has_data(kind):
        names = ", ".join(map(str, data))
        text = f"pyroute2 knows no attributes of the kind {kind!r}, but {names} is given"
        raise InvalidArgument(EINVAL, text)


def _has_data(kind: str) -> bool:
    with importing:
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # noqa: PLC0415 - as said above
    return kind in ifinfmsg.ifinfo.data_map


def _link(**fields: Any) -> bytes:
    with importing:
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # noqa: PLC0415 - as said above
    return _body(ifinfmsg(), fields)


def _address(**fields: Any) -> bytes:
    with importing:
        from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg  # noqa: PLC0415 - as said above
    return _body(ifaddrmsg(), fields)


def _route(**fields: Any) -> bytes:
    with importing:
        from pyroute2.netlink.rtnl.rtmsg import rtmsg  # noqa: PLC0415 - as said above
    return _body(rtmsg(), fields)


def _body(message: Any, fields: Mapping[str, Any]) -> bytes:
    try:
        for name, value in fields.items():
            message[name] = value
        message.encode()
    except (AttributeError, LookupError, TypeError, ValueError, OSError, struct.error) as wrong:
        raise InvalidArgument(EINVAL, f"rtnetlink cannot say {fields}: {wrong}") from wrong
    refuse_unknown(message)
    return bytes(message.data[abi.NLMSGHDR.size :])


def _family(what: Interface | Network) -> int:
    return socket.AF_INET if what.version == 4 else socket.AF_INET6
