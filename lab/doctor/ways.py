"""The way of the packets that open a subflow through a network, as its kernels would send them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lab.build import Network
from lab.doctor import firewall
from lab.doctor.arriving import CHECKED_SOURCE, filtered, forwards, no_forwarding
from lab.doctor.finding import Finding
from lab.doctor.leaving import leaving
from lab.doctor.packet import Packet
from lab.doctor.routes import Hop, Refusal, ask
from lab.doctor.state import Address, State, read
from lab.routing import gateway_of

_FARTHEST = 32
"""Hops after which packets are going round in circles."""


class Place(NamedTuple):
    """Where a packet is."""

    host: str
    arriving: str | None
    """by which interface it came; None: it begins here"""


@dataclass(frozen=True, slots=True)
class Ways:
    """The kernels of a network, and what they say of packets."""

    network: Network
    states: Mapping[str, State]

    @classmethod
    def of(cls, network: Network) -> Ways:
        """Read the state of every node."""
        return cls(network, {node.name: _at(network, node.name, read) for node in network.nodes})

    def judge(self, start: str, packet: Packet) -> Iterator[Finding]:
        """What keeps a packet that ``start`` sends from its destination."""
        place: Place | None = Place(start, None)
        for _ in range(_FARTHEST):
            if place is None:
                return
            blocked, place = self._step(place, packet)
            yield from blocked
            if any(each.stops for each in blocked):
                return
        yield Finding("route", start, f"{packet} goes round in circles")

    def _step(self, place: Place, packet: Packet) -> tuple[list[Finding], Place | None]:
        """What happens to the packet at one node, and where it goes then."""
        host, arriving = place
        node = self.network.node(host)
        with node.stack():
            hop = ask(packet.destination, packet.source, arriving)
            if isinstance(hop, Refusal):
                return [self._refused(place, packet, hop)], None
            if arriving and hop.interface and not forwards(packet):
                return [no_forwarding(host, packet)], None
            here = Packet(
                packet.source, packet.destination, packet.answer, packet.port,
                arriving or "", hop.interface,
            )  # fmt: skip
            found = list(firewall.judge(host, here))
            if not arriving:
                found += self._leaving(host, packet, hop)
        if not hop.interface:
            return found, None
        following = self._next(hop, packet)
        if following is None:
            what = f"{packet} leaves by {hop.interface}, where nobody has {_target(hop, packet)}"
            return [*found, Finding("route", host, what)], None
        found += self._narrow(Place(host, hop.interface), following)
        return found, following

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
        routers = {
            address.ip: gateway
            for link, end in self.network.topology.ends_of(host)
            for address in end.addresses
            if (gateway := gateway_of(self.network.topology, link, end, address.version))
        }
        return leaving(self.states[host], packet, answer, routers.get(packet.source))

    def _next(self, hop: Hop, packet: Packet) -> Place | None:
        target = _target(hop, packet)
        for host, state in self.states.items():
            owner = state.owner(target)
            if owner:
                return Place(host, owner.name)
        return None

    def _narrow(self, out: Place, into: Place) -> Iterator[Finding]:
        """A frame that is longer than the next interface takes is dropped without a word."""
        first = self.states[out.host].interfaces[out.arriving or ""]
        second = self.states[into.host].interfaces[into.arriving or ""]
        if first.mtu > second.mtu:
            what = (
                f"{first.name} sends packets of {first.mtu} bytes, of which {into.host}:"
                f"{second.name} takes {second.mtu}: full segments vanish"
            )
            command = ("ip", "link", "set", "dev", first.name, "mtu", str(second.mtu))
            yield Finding("mtu", out.host, what, "let both ends have one MTU", (command,))


def _at(network: Network, host: str, question: Callable[[str], State]) -> State:
    with network.node(host).stack():
        return question(host)


def _target(hop: Hop, packet: Packet) -> Address:
    return hop.gateway or packet.destination
