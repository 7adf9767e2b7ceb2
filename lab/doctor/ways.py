"""The way of the packets that open a subflow through a network, as its kernels would send them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from lab.build import Network
from lab.doctor import firewall, sizes
from lab.doctor.arriving import CHECKED_SOURCE, filtered, forwards, no_forwarding
from lab.doctor.direct import neighbour
from lab.doctor.finding import Finding
from lab.doctor.leaving import leaving
from lab.doctor.packet import Packet
from lab.doctor.routes import Hop, Refusal, ask
from lab.doctor.state import Address, State, read
from lab.routing import DEFAULTS, routes

_FARTHEST = 32
"""Hops after which packets are going round in circles."""


Translated = dict[tuple[str, Address], Address]
"""The source that a router's NAT has replaced, by the router and the address that it gave."""


class Place(NamedTuple):
    """Where a packet is."""

    host: str
    arriving: str | None
    """by which interface it came; None: it begins here"""


class Following(NamedTuple):
    """Where a packet goes from a node."""

    by: str
    """the interface"""
    into: Place


@dataclass(frozen=True, slots=True)
class Ways:
    """The kernels of a network, and what they say of packets."""

    network: Network
    states: Mapping[str, State]

    @classmethod
    def of(cls, network: Network) -> Ways:
        """Read the state of every node."""
        return cls(network, {node.name: _at(network, node.name, read) for node in network.nodes})

    def judge(self, start: str, end: str, syn: Packet) -> Iterator[Finding]:
        """What keeps a SYN of ``start`` from ``end``, or its answer from coming back."""
        translated: Translated = {}
        found, arrived = self._follow(start, syn, translated)
        yield from found
        if arrived:
            answer = Packet(arrived.destination, arrived.source, answer=True, port=syn.port)
            found, _ = self._follow(end, answer, translated)
            yield from found

    def _follow(
        self, start: str, packet: Packet, translated: Translated
    ) -> tuple[list[Finding], Packet | None]:
        """What stops the packet, or else how it arrives."""
        found: list[Finding] = []
        place: Place | None = Place(start, None)
        for _ in range(_FARTHEST):
            if place is None:
                return found, packet
            if packet.answer or packet.too_big:
                original = translated.get((place.host, packet.destination), packet.destination)
                packet = replace(packet, destination=original)
            blocked, following = self._step(place, packet)
            found += blocked
            if any(each.stops for each in found):
                return found, None
            if following and not packet.too_big:
                found += self._too_big(place, packet, following, translated)
            if following and not packet.answer:
                packet = self._translate(place.host, packet, following, translated)
            place = following.into if following else None
        return [*found, Finding("route", start, f"{packet} goes round in circles")], None

    def _too_big(
        self, place: Place, packet: Packet, following: Following, translated: Translated
    ) -> list[Finding]:
        """Whether a router's word, that a packet does not fit, comes back to its sender."""
        interfaces = self.states[place.host].interfaces
        narrow, wide = interfaces[following.by], interfaces.get(place.arriving or "")
        if wide is None or wide.mtu <= narrow.mtu:
            return []
        version = packet.source.version
        own = next(each for each in wide.addresses if each.version == version)
        error = Packet(own, packet.source, too_big=True)
        found, _ = self._follow(place.host, error, translated)
        return [sizes.unheard(place.host, wide, narrow, each) for each in found]

    def _translate(
        self, host: str, packet: Packet, following: Following, translated: Translated
    ) -> Packet:
        """The packet with the source that the NAT of a router gives it."""
        router = self.network.topology.routers.get(host)
        if router is None or following.by not in router.nat or packet.source.version == 6:
            return packet
        addresses = self.states[host].interfaces[following.by].addresses
        outside = next(each for each in addresses if each.version == 4)
        translated[host, outside] = packet.source
        return replace(packet, source=outside)

    def _step(self, place: Place, packet: Packet) -> tuple[list[Finding], Following | None]:
        """What happens to the packet at one node, and where it goes then."""
        host, arriving = place
        with self.network.node(host).stack():
            hop = ask(packet.destination, packet.source, arriving)
            if isinstance(hop, Refusal):
                return [self._refused(place, packet, hop)], None
            if arriving and hop.interface and not forwards(packet):
                return [no_forwarding(host, packet)], None
            here = replace(packet, arriving=arriving or "", leaving=hop.interface)
            found = list(firewall.judge(host, here))
            if not arriving and not packet.too_big:
                found += self._leaving(host, packet, hop)
        if not hop.interface:
            return found, None
        into = self._next(hop, packet)
        if into is None:
            what = f"{packet} leaves by {hop.interface}, where nobody has {_target(hop, packet)}"
            return [*found, Finding("route", host, what)], None
        found += sizes.narrow(self.states, (host, hop.interface), into)
        return found, Following(hop.interface, into)

    def _refused(self, place: Place, packet: Packet, refusal: Refusal) -> Finding:
        host, arriving = place
        if not arriving:
            (found,) = self._leaving(host, packet, refusal)
            return found
        strict = filtered(host, packet, arriving)
        if refusal.errno in CHECKED_SOURCE and strict:
            return strict
        if not forwards(packet) and packet.destination not in self.states[host].addresses:
            return no_forwarding(host, packet)
        what = f"no route for {packet}, which comes by {arriving} ({os.strerror(refusal.errno)})"
        return Finding("route", host, what, "add a route, or mend the routing of this network")

    def _leaving(self, host: str, packet: Packet, answer: Hop | Refusal) -> Iterator[Finding]:
        state = self.states[host]
        owner = state.owner(packet.source)
        ways = (
            route.gateway
            for route in routes(self.network.topology, host)
            if route.gateway and owner and route.interface == owner.name
            if route.destination == DEFAULTS[packet.source.version == 6]
        )
        for found in leaving(state, packet, answer, next(ways, None)):
            other = None if found.commands else self._direct(host, packet)
            yield other or found

    def _direct(self, host: str, packet: Packet) -> Finding | None:
        """A link without a router leads to what is on it alone."""
        for there in self.states.values():
            if packet.destination in there.addresses:
                return neighbour(self.network.topology, self.states[host], there, packet.source)
        return None

    def _next(self, hop: Hop, packet: Packet) -> Place | None:
        target = _target(hop, packet)
        for host, state in self.states.items():
            owner = state.owner(target)
            if owner:
                return Place(host, owner.name)
        return None


def _at(network: Network, host: str, question: Callable[[str], State]) -> State:
    with network.node(host).stack():
        return question(host)


def _target(hop: Hop, packet: Packet) -> Address:
    return hop.gateway or packet.destination
