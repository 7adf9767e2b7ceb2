"""Subflows as a capture shows them, and as several captures together do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple, TypeVar

from lab.verify.finding import Place
from lab.verify.signal import Signal, signal
from lab.wire import handshake, mptcp
from lab.wire.reading import Capture
from lab.wire.segment import Endpoint, Flags, Segment

Exchange = TypeVar("Exchange", handshake.Connection, handshake.Join)

DSS = int(mptcp.Subtype.DSS)
HANDSHAKE = (mptcp.Subtype.MP_CAPABLE, mptcp.Subtype.MP_JOIN)
SYN, SYN_OR_ACK = int(Flags.SYN), int(Flags.SYN | Flags.ACK)
FULL_32 = 1 << 32


class Packet(NamedTuple):
    """A segment, where it was seen, and its MPTCP options."""

    place: Place
    segment: Segment
    flags: int
    """The segment's, as a plain number: on the way to a verdict they are asked for very often."""
    signal: Signal | None
    """Its DSS; None if it has none."""
    others: tuple[bytes, ...]
    """The values of its other MPTCP options; most packets have none."""

    @property
    def bare(self) -> bool:
        """Whether it has no MPTCP option, none that was cut either."""
        return not self.signal and not self.others and not self.segment.options_cut

    @property
    def of_handshake(self) -> bool:
        """Whether it has MP_CAPABLE or MP_JOIN."""
        return any(value[0] >> 4 in HANDSHAKE for value in self.others)

    def options(self, kind: type[mptcp.MptcpOption]) -> Iterator[mptcp.MptcpOption]:
        """The options of this kind, but no DSS, dissected by Scapy."""
        for value in self.others:
            if issubclass(mptcp.layer_for(value), kind):
                yield mptcp.MptcpOption(value)


@dataclass(slots=True)
class View:
    """What one capture holds of one subflow, in its order."""

    file: str
    initiator: Endpoint
    """Who sent the SYN; a guess if no segment of the handshake was captured."""
    responder: Endpoint
    began: bool
    """Whether the capture has the initiator's SYN."""
    packets: list[Packet] = field(default_factory=list)

    @property
    def isns(self) -> tuple[int | None, int | None]:
        """The sequence numbers of the SYN and of the SYN/ACK; None if nothing tells."""
        initiator = responder = None
        for packet in self.packets:
            segment, flags = packet.segment, packet.flags & SYN_OR_ACK
            if flags == SYN_OR_ACK:
                return (segment.ack - 1) % FULL_32, segment.seq
            if flags == SYN:
                initiator = segment.seq
            elif packet.of_handshake:
                initiator = (segment.seq - 1) % FULL_32
                responder = (segment.ack - 1) % FULL_32
        return initiator, responder


def views(capture: Capture) -> list[View]:
    """Sort the segments of a capture by subflow; plain TCP connections are among them."""
    found: list[View] = []
    latest: dict[tuple[Endpoint, Endpoint], View] = {}
    for segment in capture.segments:
        ends = (segment.source, segment.destination)
        packet = _packet(capture.name, segment)
        view = latest.get(ends)
        if view is None or _begins_anew(view, packet):
            view = _new_view(packet)
            found.append(view)
            latest[ends] = latest[ends[::-1]] = view
        view.packets.append(packet)
    return found


def _begins_anew(view: View, packet: Packet) -> bool:
    """Tell a SYN of a later connection with the same ends from a retransmission."""
    return packet.flags & SYN_OR_ACK == SYN and packet.segment.seq != view.isns[0]


def _new_view(packet: Packet) -> View:
    ends = (packet.segment.source, packet.segment.destination)
    flags = packet.flags & SYN_OR_ACK
    if flags == SYN_OR_ACK:
        ends = ends[::-1]
    return View(packet.place.file, *ends, began=flags == SYN)


def _packet(file: str, segment: Segment) -> Packet:
    found: Signal | None = None
    others: tuple[bytes, ...] = ()
    for value in mptcp.values(segment.options):
        if found is None and value[0] >> 4 == DSS and mptcp.layer_for(value) is mptcp.Dss:
            found = signal(value)
        else:
            others += (value,)
    return Packet(Place(file, segment.number), segment, int(segment.flags), found, others)


@dataclass(slots=True, eq=False)
class Subflow:
    """One TCP connection that speaks MPTCP, in all captures that saw it."""

    views: list[View]
    isns: tuple[int | None, int | None]
    capable: handshake.Connection | None
    join: handshake.Join | None
    from_a: bool = True
    """Whether the initiator is the host that began the whole connection."""

    def __str__(self) -> str:
        return f"{self.initiator} > {self.responder}"

    @property
    def initiator(self) -> Endpoint:
        """Who sent the SYN."""
        return self.views[0].initiator

    @property
    def responder(self) -> Endpoint:
        """Who answered it."""
        return self.views[0].responder

    @property
    def began(self) -> bool:
        """Whether a capture has its SYN."""
        return any(view.began for view in self.views)

    def packets(self) -> Iterator[Packet]:
        """All packets, one capture after the other."""
        for view in self.views:
            yield from view.packets

    def end(self, a: bool) -> Endpoint:
        """The end at the host that began the whole connection (A), or at the other one."""
        return self.initiator if a is self.from_a else self.responder

    def isn(self, a: bool) -> int | None:
        """The initial sequence number of what A sends here, or the other host."""
        return self.isns[0] if a is self.from_a else self.isns[1]


def subflows(captures: Iterable[Capture]) -> list[Subflow]:
    """Bring together what the captures hold of each subflow; those without MPTCP are left out."""
    seen = [
        _of_one(view)
        for capture in captures
        for view in views(capture)
        if any(packet.signal or packet.others for packet in view.packets)
    ]
    found: dict[object, Subflow] = {}
    for each in sorted(seen, key=lambda subflow: subflow.isns[0] is None):
        key = _same(each.views[0], found) or (each.initiator, each.responder, each.isns[0])
        found[key] = _together(found[key], each) if key in found else each
    return list(found.values())


def _of_one(view: View) -> Subflow:
    segments = [packet.segment for packet in view.packets if packet.of_handshake]
    capable = next(iter(handshake.connections(segments)), None)
    join = next(iter(handshake.joins(segments)), None)
    exchange = capable or join
    if exchange and not view.began:
        view.initiator, view.responder = exchange.initiator, exchange.responder
    return Subflow([view], view.isns, capable, join)


def _same(view: View, found: dict[object, Subflow]) -> object:
    """Find the subflow of a view that has no handshake: the only one with its ends."""
    if view.isns[0] is not None:
        return None
    ends = {view.initiator, view.responder}
    same = [key for key, other in found.items() if {other.initiator, other.responder} == ends]
    if len(same) != 1:
        return None
    view.initiator, view.responder = found[same[0]].initiator, found[same[0]].responder
    return same[0]


def _together(one: Subflow, other: Subflow) -> Subflow:
    return Subflow(
        one.views + other.views,
        (_either(one.isns[0], other.isns[0]), _either(one.isns[1], other.isns[1])),
        _merged(one.capable, other.capable),
        _merged(one.join, other.join),
    )


def _either(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def _merged(one: Exchange | None, other: Exchange | None) -> Exchange | None:
    """Fill what one capture lacks of a handshake from another one."""
    if one is None or other is None:
        return one or other
    lacks = {
        each.name: getattr(other, each.name)
        for each in fields(one)
        if getattr(one, each.name) is None
    }
    return replace(one, **lacks)
