"""Whether the switches of a topology fit together with their links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lab.model import addressing, names, placing
from lab.model.problem import KeyPath, Problem
from lab.model.reading import entries, mapping, readable, texts
from lab.model.segments import Ends, Joined, joined, members
from lab.model.shape import keys

Data = Mapping[str, object]


class _Plug(NamedTuple):
    """A link with a switch at one end or at both."""

    path: KeyPath
    link: Data
    ends: Ends

    def switch(self, switches: Mapping[str, object]) -> str:
        """The first switch that it has."""
        return next(end.node for end in self.ends if end.node in switches)


def plugged(data: Data) -> frozenset[str]:
    """Names of the links that have a switch at an end."""
    return frozenset(str(plug.path[1]) for plug in _plugs(data))


def misfits(data: Data) -> Iterator[Problem]:
    """What does not fit together about switches, and links that have no subnet."""
    switches = mapping(data.get("switches"))
    plugs = _plugs(data)
    yield from _without_subnet(data)
    for plug in plugs:
        yield from _own_subnet(plug, plug.switch(switches))
        yield from _addressed_ports(plug, switches)
        yield from placing.strangers(
            plug.path, [*map(str, plug.ends)], placing.chosen(plug.path, plug.link)
        )
    yield from _loops(switches, plugs)
    groups = joined(switches, [plug.ends for plug in plugs])
    yield from _subnets(data, groups)
    yield from _addresses(data, groups, plugs)


def _plugs(data: Data) -> list[_Plug]:
    switches = mapping(data.get("switches"))
    found = []
    for path, link in entries(data, "links"):
        written = texts((*path, "ends"), mapping(link).get("ends"))
        ends = [end for _, end in readable(names.split_end, written)]
        if len(ends) == 2 and any(end.node in switches for end in ends):
            found.append(_Plug(path, mapping(link), (ends[0], ends[1])))
    return found


def _without_subnet(data: Data) -> Iterator[Problem]:
    known = {*mapping(data.get("hosts")), *mapping(data.get("routers"))}
    for path, link in entries(data, "links"):
        written = mapping(link)
        found = texts((*path, "ends"), written.get("ends"))
        nodes = {end.node for _, end in readable(names.split_end, found)}
        if isinstance(link, dict) and "subnet" not in written and nodes <= known:
            yield Problem(path, f"{names.shown(path[1])} needs the key 'subnet'", at_key=True)


def _own_subnet(plug: _Plug, switch: str) -> Iterator[Problem]:
    if "subnet" in plug.link:
        message = f"the link has the subnet of switch {names.shown(switch)}; write it there only"
        yield Problem((*plug.path, "subnet"), message, at_key=True)


def _addressed_ports(plug: _Plug, switches: Mapping[str, object]) -> Iterator[Problem]:
    for end in plug.ends:
        if end.node in switches and str(end) in mapping(plug.link.get("addresses")):
            message = f"{names.shown(str(end))} is a port of a switch, which has no addresses"
            yield Problem((*plug.path, "addresses", str(end)), message, at_key=True)


def _loops(switches: Mapping[str, object], plugs: list[_Plug]) -> Iterator[Problem]:
    """Packets to all would go round for ever, and no switch here looks for that (STP)."""
    groups = Joined(switches)
    for path, _, (first, second) in plugs:
        both = first.node != second.node and first.node in switches and second.node in switches
        if both and not groups.join(first.node, second.node):
            yield Problem(path, "the link closes a loop of switches", at_key=True)


def _subnets(data: Data, groups: Joined) -> Iterator[Problem]:
    """Each segment has its subnets at one of its switches."""
    owners: dict[str, str] = {}
    doubtful: set[str] = set()
    for path, switch in entries(data, "switches"):
        name = str(path[1])
        if not isinstance(switch, dict) or not set(switch) <= set(keys(path)):
            doubtful.add(groups.first(name))
        elif "subnet" in switch and groups.first(name) in owners:
            owner = names.shown(owners[groups.first(name)])
            message = f"the switch is joined to {owner}, which has the subnet; write it once"
            yield Problem((*path, "subnet"), message, at_key=True)
        elif "subnet" in switch:
            owners[groups.first(name)] = name
    for path, _ in entries(data, "switches"):
        name = str(path[1])
        if groups.first(name) == name and name not in doubtful | set(owners):
            message = f"{names.shown(name)} needs the key 'subnet', or a switch joined to it does"
            yield Problem(path, message, at_key=True)


def _addresses(data: Data, groups: Joined, plugs: list[_Plug]) -> Iterator[Problem]:
    switches, routers = mapping(data.get("switches")), mapping(data.get("routers"))
    networks: defaultdict[str, list[addressing.Network]] = defaultdict(list)
    for path, switch in entries(data, "switches"):
        networks[groups.first(str(path[1]))] += placing.subnets(path, mapping(switch))
    for name, ends in members(switches, routers, [plug.ends for plug in plugs]).items():
        inside = [plug for plug in plugs if groups.first(plug.switch(switches)) == name]
        yield from _in_segment([*map(str, ends)], networks[name], inside)


def _in_segment(
    ends: list[str], networks: list[addressing.Network], plugs: list[_Plug]
) -> Iterator[Problem]:
    if not networks:
        return
    written = {
        end: found
        for path, link, _ in plugs
        for end, found in placing.chosen(path, link).items()
        if end in ends
    }
    for found in written.values():
        yield from placing.misplaced(found, networks, "switch")
    yield from _crowded(ends, networks, written, plugs)


def _crowded(
    ends: list[str], networks: list[addressing.Network], written: placing.Chosen, plugs: list[_Plug]
) -> Iterator[Problem]:
    """Ends beyond the room of a subnet; where all have room, those that share an address."""
    places = {str(end): plug.path for plug in plugs for end in plug.ends}
    full = False
    for number, end in enumerate(ends):
        values = [address for _, address in written.get(end, ())]
        for network in networks:
            if not addressing.has_room(network, values, number):
                full = True
                message = f"subnet {network} has no address left for {names.shown(end)}"
                yield Problem((*places[end], "ends"), message)
    if not full:
        yield from placing.shared(ends, networks, written)
