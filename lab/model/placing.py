"""Whether the addresses that are written for ends are good ones in their subnets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from lab.model import addressing, names
from lab.model.problem import KeyPath, Problem
from lab.model.reading import Found, entries, mapping, readable, texts
from lab.model.segments import Ends, Segment, segments

Chosen = Mapping[str, list[Found[addressing.Address]]]
"""The readable addresses that are written, by their ends."""


def subnets(path: KeyPath, owner: Mapping[str, object]) -> list[addressing.Network]:
    """The subnets of a link or switch, or none unless all of them are readable."""
    value = owner.get("subnet")
    found = [one for _, one in readable(addressing.subnet, texts((*path, "subnet"), value))]
    return found if len(found) == (len(value) if isinstance(value, list) else 1) else []


def chosen(path: KeyPath, link: Mapping[str, object]) -> Chosen:
    """The addresses that are written at a link."""
    return {
        end: [*readable(addressing.address, texts((*path, "addresses", end), value))]
        for end, value in mapping(link.get("addresses")).items()
    }


def strangers(path: KeyPath, ends: Sequence[str], written: Chosen) -> Iterator[Problem]:
    """Addresses for what is not an end of the link at ``path``."""
    for end in written:
        if end not in ends:
            message = f"{names.shown(end)} is not an end of this link ({names.hint(end, ends)})"
            yield Problem((*path, "addresses", end), message, at_key=True)


def misplaced(
    found: list[Found[addressing.Address]], networks: list[addressing.Network], owner: str
) -> Iterator[Problem]:
    """Addresses that an interface in the ``networks`` of ``owner`` cannot have."""
    for path, address in found:
        around = [network for network in networks if address in network]
        if not around:
            listed = ", ".join(map(str, networks))
            yield Problem(path, f"address {address} is outside the {owner}'s subnet ({listed})")
        elif not addressing.usable(address, around[0]):
            yield Problem(path, f"address {address} stands for the subnet {around[0]} as a whole")


def shared(
    ends: Sequence[str], networks: list[addressing.Network], written: Chosen
) -> Iterator[Problem]:
    """Addresses that another end has already, be it written there or not."""
    owners: dict[addressing.Address, str] = {}
    for number, end in enumerate(ends):
        values = [address for _, address in written.get(end, ())]
        assigned = (one.ip for one in addressing.assign(networks, values, number))
        owners |= {address: end for address in assigned if address not in values}
    for end, found in written.items():
        for path, address in found:
            if address in owners:
                yield Problem(path, f"address {address} is that of {owners[address]} already")
            owners[address] = end


def addresses(data: Mapping[str, object]) -> Mapping[str, Mapping[str, list[addressing.Address]]]:
    """The addresses of each node by interface, as far as they can be read."""
    links = {path: mapping(link) for path, link in entries(data, "links")}
    ends = {path: both for path, link in links.items() if (both := _ends(path, link))}
    switches = {
        str(path[1]): tuple(subnets(path, mapping(switch)))
        for path, switch in entries(data, "switches")
    }
    own = {str(path[1]): (both, tuple(subnets(path, links[path]))) for path, both in ends.items()}
    placed = segments(own, switches, mapping(data.get("routers")))
    found: defaultdict[str, dict[str, list[addressing.Address]]] = defaultdict(dict)
    for path, both in ends.items():
        segment = placed[str(path[1])]
        for end in both:
            found[end.node][end.interface] = _assigned(segment, end, chosen(path, links[path]))
    return found


def _ends(path: KeyPath, link: Mapping[str, object]) -> Ends | None:
    found = [end for _, end in readable(names.split_end, texts((*path, "ends"), link.get("ends")))]
    return (found[0], found[1]) if len(found) == 2 else None


def _assigned(segment: Segment, end: names.EndName, written: Chosen) -> list[addressing.Address]:
    if end not in segment.ends:
        return []
    values = [address for _, address in written.get(str(end), ())]
    number = segment.ends.index(end)
    roomy = [one for one in segment.subnets if addressing.has_room(one, values, number)]
    return [interface.ip for interface in addressing.assign(roomy, values, number)]
