"""Addresses, policy rules and routes of each node, from a topology; pure.

A multi-homed host answers from the address that it was asked at and joins from the address that it
names, so each source address gets a table of its own: its link, the routers behind it, and nothing
else. Without the closing ``unreachable`` route, a packet whose link is down would leave through the
main table by another link, and an outage would look like asymmetric routing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from lab.model import End, Topology

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAIN_TABLE = 254
"""RT_TABLE_MAIN, <linux/rtnetlink.h>"""

FIRST_TABLE = 1000
"""The table of a host's first interface; the second has the next number. Tables have numbers of 32
bits, of which 253 to 255 are the kernel's own (<linux/rtnetlink.h>)."""

DEFAULTS: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a node."""

    destination: Network
    """Where it leads; 0.0.0.0/0 or ::/0 is the default route."""
    interface: str | None
    """The way out; None makes the destination unreachable."""
    gateway: Address | None = None
    """The next router; None when the destination is on the link."""
    table: int = MAIN_TABLE
    """The routing table that holds it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Packets from ``source`` are routed by ``table``."""

    source: Address
    """An address of this node."""
    table: int
    """The table of the address's interface."""


def rules(topology: Topology, node: str) -> tuple[Rule, ...]:
    """One rule for each address of a host; none for a router."""
    if node in topology.routers:
        return ()
    return tuple(
        Rule(address.ip, table)
        for table, (_, end) in enumerate(topology.ends_of(node), FIRST_TABLE)
        for address in end.addresses
    )


def routes(topology: Topology, node: str) -> tuple[Route, ...]:
    """All routes of a node but those that the kernel makes for its own links in the main table."""
    if node in topology.routers:
        return tuple(_router_routes(topology, node))
    return tuple(_host_routes(topology, node))


def _host_routes(topology: Topology, node: str) -> Iterator[Route]:
    has_default: set[Network] = set()
    for table, (_, end) in enumerate(topology.ends_of(node), FIRST_TABLE):
        for subnet in dict.fromkeys(address.network for address in end.addresses):
            yield Route(subnet, end.interface, table=table)
        for default in DEFAULTS:
            routers = _next_routers(topology, end, default.version)
            if len(routers) > 1:
                yield from _ways(topology, [end], default.version, table)
            if routers:
                gateway = _address(routers[0], default.version)
                yield Route(default, end.interface, gateway, table)
                if default not in has_default:
                    has_default.add(default)
                    yield Route(default, end.interface, gateway)
            yield Route(default, None, table=table)


def _router_routes(topology: Topology, router: str) -> Iterator[Route]:
    """The shortest way to each subnet that is not on a link of this router."""
    ends = [end for _, end in topology.ends_of(router)]
    for default in DEFAULTS:
        yield from _ways(topology, ends, default.version, MAIN_TABLE)


def _ways(topology: Topology, ends: Sequence[End], version: int, table: int) -> Iterator[Route]:
    """From the ``ends`` of a node, the shortest way to each subnet beyond, breadth first."""
    reached = {address.network for end in ends for address in end.addresses}
    visited = {end.node for end in ends}
    queue = deque((end, far, far) for end in ends for far in _next_routers(topology, end, version))
    while queue:
        end, gateway, entered = queue.popleft()
        if entered.node in visited:
            continue
        visited.add(entered.node)
        for link, beyond in topology.ends_of(entered.node):
            queue.extend((end, gateway, far) for far in _next_routers(topology, beyond, version))
            for subnet in link.subnets:
                if subnet.version == version and subnet not in reached:
                    reached.add(subnet)
                    yield Route(subnet, end.interface, _address(gateway, version), table)


def _next_routers(topology: Topology, end: End, version: int) -> list[End]:
    """The routers that ``end`` reaches, at their ends there, which lead on in this family.

    Behind an interface that translates, nobody knows the addresses.
    """
    return [
        far
        for far in topology.neighbours(end)
        if far.node in topology.routers
        and _address(far, version)
        and not (version == 4 and far.interface in topology.routers[far.node].nat)
    ]


def _address(end: End, version: int) -> Address | None:
    found = (address.ip for address in end.addresses if address.version == version)
    return next(found, None)
