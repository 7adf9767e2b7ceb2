"""What reaches what without a router between: a link, or joined switches with all their links.

Pure, and of names and subnets alone, so that it serves a file with mistakes as well as a topology.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from lab.model.addressing import Network
from lab.model.names import EndName

Ends = tuple[EndName, EndName]


class Segment(NamedTuple):
    """One link, or several that switches join."""

    subnets: tuple[Network, ...]
    ends: tuple[EndName, ...]
    """Those that have addresses, in the order of the addresses: not the ports of switches."""


class Joined:
    """Which switches are joined to one another."""

    def __init__(self, switches: Iterable[str]) -> None:
        self._towards = {name: name for name in switches}

    def first(self, switch: str) -> str:
        """The switch that stands for all that ``switch`` is joined to."""
        while self._towards[switch] != switch:
            switch = self._towards[switch]
        return switch

    def join(self, one: str, other: str) -> bool:
        """Join two of them; False if they were joined already."""
        first, second = self.first(one), self.first(other)
        self._towards[second] = first
        return first != second


def joined(switches: Collection[str], links: Iterable[Ends]) -> Joined:
    """The switches as the links join them."""
    found = Joined(switches)
    for first, second in links:
        if first.node in switches and second.node in switches:
            found.join(first.node, second.node)
    return found


def members(
    switches: Collection[str], routers: Collection[str], links: Collection[Ends]
) -> dict[str, list[EndName]]:
    """By the switch that stands for a segment, the ends in it that have addresses, in their order.

    Routers come first, since hosts take the first of them for their gateway; else it is the order
    of the links.
    """
    groups = joined(switches, links)
    found: defaultdict[str, list[EndName]] = defaultdict(list)
    for end, far in _both_ways(links):
        if far.node in switches and end.node not in switches:
            found[groups.first(far.node)].append(end)
    return {name: sorted(ends, key=lambda e: e.node not in routers) for name, ends in found.items()}


def segments(
    links: Mapping[str, tuple[Ends, tuple[Network, ...]]],
    switches: Mapping[str, tuple[Network, ...]],
    routers: Collection[str],
) -> dict[str, Segment]:
    """The segment of each link by its name; links and switches come with their own subnets."""
    ends = [both for both, _ in links.values()]
    groups, listed = joined(switches, ends), members(switches, routers, ends)
    subnets: defaultdict[str, tuple[Network, ...]] = defaultdict(tuple)
    for name, own in switches.items():
        subnets[groups.first(name)] += own
    shared = {
        name: Segment(subnets[name], tuple(listed.get(name, ())))
        for name in map(groups.first, switches)
    }
    return {
        name: next(
            (shared[groups.first(end.node)] for end in both if end.node in switches),
            Segment(own, both),
        )
        for name, (both, own) in links.items()
    }


def _both_ways(links: Iterable[Ends]) -> Iterator[Ends]:
    for first, second in links:
        yield first, second
        yield second, first
