"""The calls that configure a stack: libioth's names (ioth(3)), Python's values.

They talk rtnetlink over a socket of the stack itself, so that they work on every stack that has
such sockets, from any thread, and also while an asyncio loop runs.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from errno import EINVAL, EPERM
from ipaddress import ip_address, ip_interface, ip_network
from socket import AF_NETLINK, SOCK_RAW, socket
from typing import Any

from mptcpapi import abi
from mptcpapi.errors import InvalidArgument, KernelRefused, NoPrivilege, check_integer
from mptcpapi.netlink import Netlink
from mptcpapi.nlmsg import Message
from mptcpapi.stacks import rtnetlink
from mptcpapi.stacks.rtnetlink import Request

DEFAULT = "default"
"""The destination of a default route, as ``ip route`` calls it."""

_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")


class Configurable(ABC):
    """Links, addresses and routes of a stack; an interface is a name, or its index.

    Every call raises `NoPrivilege` or `KernelRefused`, whose text has the stack, what was asked,
    and the kernel's own sentence, and `InvalidArgument` for what cannot be.
    """

    @abstractmethod
    def msocket(self, family: int, type: int, protocol: int) -> socket:
        """A socket of the stack."""

    def if_nametoindex(self, name: str) -> int:
        """The index of an interface."""
        ((index, _),) = self._links(name)
        return index

    def linksetupdown(self, interface: str | int, up: bool) -> None:
        """Set an interface up, or down."""
        if up not in (True, False):  # "down" is true
            raise InvalidArgument(EINVAL, f"up {up!r}: expected True or False")
        flags = abi.IFF_UP if up else 0
        request = rtnetlink.set_link(self._index(interface), flags=flags, change=abi.IFF_UP)
        self._ask(request, f"set {interface} {'up' if up else 'down'}")

    def linkgetaddr(self, interface: str | int) -> str:
        """The MAC address of an interface, as ``02:00:00:00:00:01``; empty if it has none."""
        ((_, attributes),) = self._links(interface)
        return str(attributes.get("IFLA_ADDRESS", ""))

    def linksetaddr(self, interface: str | int, mac: str) -> None:
        """Set the MAC address of an interface."""
        if not isinstance(mac, str) or not _MAC.fullmatch(mac):
            text = f"MAC address {mac!r}: expected six pairs of digits, as 02:00:00:00:00:01"
            raise InvalidArgument(EINVAL, text)
        attribute = ("IFLA_ADDRESS", mac.replace("-", ":"))
        self._ask(rtnetlink.set_link(self._index(interface), attribute), f"give {interface} {mac}")

    def linksetmtu(self, interface: str | int, mtu: int) -> None:
        """Set the largest packet of an interface, in bytes."""
        check_integer("MTU", mtu, 0, 0x7FFFFFFF)
        request = rtnetlink.set_link(self._index(interface), ("IFLA_MTU", mtu))
        self._ask(request, f"set the MTU of {interface} to {mtu}")

    def ipaddr_add(self, address: str, interface: str | int) -> None:
        """Give an interface an address: ``"10.0.0.1/24"``, ``"fd00::1/64"``."""
        self._address(address, interface, add=True)

    def ipaddr_del(self, address: str, interface: str | int) -> None:
        """Take an address away from an interface."""
        self._address(address, interface, add=False)

    def iproute_add(
        self, to: str, gateway: str | None = None, interface: str | int | None = None
    ) -> None:
        """Add a route: ``to`` a network or ``"default"``, by a gateway, an interface, or both."""
        self._route(to, gateway, interface, add=True)

    def iproute_del(
        self, to: str, gateway: str | None = None, interface: str | int | None = None
    ) -> None:
        """Delete a route."""
        self._route(to, gateway, interface, add=False)

    def iplink_add(
        self,
        name: str,
        kind: str,
        data: Mapping[str, Any] | None = None,
        **attributes: Any,
    ) -> None:
        """Make an interface of a kind that the kernel knows (``dummy``, ``vlan``).

        ``data`` is of the kind, ``attributes`` of any interface, both by pyroute2's names:
        ``iplink_add("v5", "vlan", {"IFLA_VLAN_ID": 5}, IFLA_LINK=stack.if_nametoindex("vde0"))``.
        """
        for what, text in (("interface", name), ("kind", kind)):
            _check_text(what, text)
        if data is not None and not isinstance(data, Mapping):
            raise InvalidArgument(EINVAL, f"data {data!r}: expected a dictionary")
        request = rtnetlink.new_link(name, kind, data or {}, attributes)
        self._ask(request, f"make {name}, a {kind}")

    def iplink_del(self, interface: str | int) -> None:
        """Delete an interface."""
        self._ask(rtnetlink.delete_link(self._index(interface)), f"delete {interface}")

    def _address(self, address: str, interface: str | int, *, add: bool) -> None:
        parsed = _parsed(ip_interface, "address", address)
        _refuse_scope("address", address)
        request = rtnetlink.address(parsed, self._index(interface), add=add)
        self._ask(request, f"{'add' if add else 'delete'} {address} at {interface}")

    def _route(
        self, to: str, gateway: str | None, interface: str | int | None, *, add: bool
    ) -> None:
        via = None if gateway is None else _parsed(ip_address, "gateway", gateway)
        everywhere = "::/0" if via is not None and via.version == 6 else "0.0.0.0/0"
        parsed = _parsed(ip_network, "network", everywhere if to == DEFAULT else to)
        _refuse_scope("gateway", gateway or "")
        _refuse_scope("network", to)
        if via is not None and via.version != parsed.version:
            text = f"route to {to}: the gateway {gateway} is of the other version of IP"
            raise InvalidArgument(EINVAL, text)
        if via is None and interface is None:
            raise InvalidArgument(EINVAL, f"route to {to}: give a gateway, an interface, or both")
        index = None if interface is None else self._index(interface)
        request = rtnetlink.route(parsed, gateway, index, add=add)
        self._ask(request, f"{'add' if add else 'delete'} the route to {to}")

    def _index(self, interface: str | int) -> int:
        return self.if_nametoindex(interface) if isinstance(interface, str) else _checked(interface)

    def _links(self, interface: str | int) -> list[tuple[int, dict[str, Any]]]:
        if isinstance(interface, str):
            _check_text("interface", interface)
            request = rtnetlink.get_link(interface)
        else:
            request = rtnetlink.get_link_by_index(_checked(interface))
        return list(rtnetlink.links(self._ask(request, f"find the interface {interface}")))

    def _ask(self, request: Request, what: str) -> list[Message]:
        sock = self.msocket(AF_NETLINK, SOCK_RAW, abi.NETLINK_ROUTE)
        with Netlink(abi.NETLINK_ROUTE, made=sock) as netlink:
            try:
                return netlink.request(request.kind, request.body, flags=request.flags)
            except NoPrivilege as refused:
                text = f"{self}: cannot {what}: that takes CAP_NET_ADMIN in the stack's namespace"
                raise NoPrivilege(EPERM, text) from refused
            except KernelRefused as refused:
                text = f"{self}: cannot {what}: {refused.strerror}"
                raise KernelRefused(refused.errno, text) from refused


def _checked(index: int) -> int:
    check_integer("interface", index, 1, 0x7FFFFFFF)
    return index


def _check_text(what: str, text: object) -> None:
    """The kernel reads a name up to a zero."""
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidArgument(EINVAL, f"{what} {text!r}: expected a name")


def _refuse_scope(what: str, text: str) -> None:
    if "%" in text:
        hint = f"{what} {text!r}: give the interface as an argument, not after a '%'"
        raise InvalidArgument(EINVAL, hint)


def _parsed(parse: Any, what: str, text: object) -> Any:
    """The value of a text; ``ipaddress`` would also take numbers and bytes."""
    try:
        if isinstance(text, str):
            return parse(text)
    except ValueError as wrong:
        raise InvalidArgument(EINVAL, f"{what} {text!r}: {wrong}") from wrong
    raise InvalidArgument(EINVAL, f"{what} {text!r}: expected a text")
