"""The kernel's own answer to where a packet would go (RTM_GETROUTE), which sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from socket import AF_INET, AF_INET6

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.doctor.state import Address

RTN_LOCAL = 2
"""<linux/rtnetlink.h>: the packet is for this host."""


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a packet goes from a host."""

    interface: str
    """the way out; empty: it is for this host"""
    gateway: Address | None
    """the next router; None: the destination is on the link"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The kernel would not send it."""

    errno: int
    """<errno.h>: ENETUNREACH, EHOSTUNREACH, EINVAL or EXDEV (rp_filter), EACCES (prohibit)"""


def ask(destination: Address, source: Address, arriving: str | None = None) -> Hop | Refusal:
    """Where a packet of these addresses goes from the thread's network namespace.

    ``arriving``: the interface by which it comes; ``None``: the host sends it.
    """
    with IPRoute() as netlink:
        names = {link["index"]: link.get("ifname") for link in netlink.get_links()}
        way = {"iif": netlink.link_lookup(ifname=arriving)[0]} if arriving else {}
        try:
            (answer,) = netlink.route(
                "get", family=_family(destination), dst=str(destination), src=str(source), **way
            )
        except NetlinkError as refused:
            return Refusal(refused.code)
    if answer["type"] == RTN_LOCAL:
        return Hop("", None)
    gateway = answer.get("gateway") or (answer.get("via") or {}).get("addr")
    return Hop(names[answer.get("oif")], _address(gateway))


def tables(interface: str, family: int) -> dict[int, Address | None]:
    """The tables with a default route by this interface, and its gateway."""
    with IPRoute() as netlink:
        index = netlink.link_lookup(ifname=interface)[0]
        return {
            route.get("table", route["table"]): _address(route.get("gateway"))
            for route in netlink.get_routes(family=family)
            if route.get("oif") == index and route["dst_len"] == 0 and route["type"] == 1
        }


def ruled(source: Address) -> int | None:
    """The table that a rule gives to packets from this source."""
    with IPRoute() as netlink:
        rules = netlink.get_rules(family=_family(source))
        found = [rule for rule in rules if rule.get("src") == str(source)]
    return int(found[0].get("table", found[0]["table"])) if found else None


def free_table() -> int:
    """A number that no route has yet."""
    with IPRoute() as netlink:
        taken = {route.get("table", route["table"]) for route in netlink.get_routes()}
    return next(number for number in range(100, 1 << 31) if number not in taken)


def _family(address: Address) -> int:
    return AF_INET if address.version == 4 else AF_INET6


def _address(text: str | None) -> Address | None:
    return ip_address(text) if text else None
