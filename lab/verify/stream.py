"""One direction of a connection: what a host maps, sends and acknowledges on all its subflows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lab.verify.connection import Connection
from lab.verify.signal import FULL_64, HALF_64, Mapping, near
from lab.verify.subflow import FULL_32, SYN, Packet, Subflow
from lab.wire.mptcp import MpCapableData
from lab.wire.segment import Flags

FIN, ACK = int(Flags.FIN), int(Flags.ACK)


class Mapped(NamedTuple):
    """A mapping in the numbers of its direction, and the packets that carried it."""

    ssn: int
    """Counted from the SYN, and beyond 32 bits."""
    length: int
    """Without the DATA_FIN, which has no octet."""
    at: int
    """The place in the data, 0 for the first octet of the connection."""
    checksum: int | None
    wire: Mapping
    packet: Packet

    @property
    def end(self) -> int:
        """Where the data after it begins."""
        return self.at + self.length


class Sent(NamedTuple):
    """The payload of one segment."""

    ssn: int
    length: int
    packet: Packet


class Acknowledged(NamedTuple):
    """A data acknowledgment."""

    at: int
    """The place in the other direction's data that is expected next."""
    packet: Packet


@dataclass(slots=True)
class Line:
    """What a host sends on one subflow."""

    subflow: Subflow
    isn: int | None
    mappings: list[Mapped] = field(default_factory=list)
    """Each different one once, in the order of ssn."""
    sent: list[Sent] = field(default_factory=list)
    fins: list[Mapped] = field(default_factory=list)
    """DATA_FINs; ``at`` is their own place."""
    infinite: list[Mapped] = field(default_factory=list)
    """Mappings without an end: the fallback of section 3.7."""
    closed_at: int | None = None
    """Where the FIN of the subflow stands."""
    fast_open: bool = False
    """Whether the SYN carried data, which no mapping covers."""
    acknowledged: int = 0
    """Up to where TCP has acknowledged what is sent here."""

    @property
    def lacks(self) -> bool:
        """Whether the captures lack segments that TCP has acknowledged."""
        end = 1
        for ssn, length, _ in sorted(self.sent, key=lambda sent: sent.ssn):
            if ssn > end:
                break
            end = max(end, ssn + length)
        closed = self.closed_at is not None and end >= self.closed_at
        return self.acknowledged > end + closed

    def mapping_of(self, ssn: int) -> Mapped | None:
        """The mapping that covers an octet of the subflow."""
        index = bisect_right(self.mappings, ssn, key=lambda mapped: mapped.ssn) - 1
        for mapped in reversed(self.mappings[max(0, index - 1) : index + 1]):
            if mapped.ssn <= ssn < mapped.ssn + mapped.length:
                return mapped
        return None


@dataclass(slots=True)
class Stream:
    """What one of the hosts sends."""

    host: bool
    """A or B."""
    base: int | None
    """The data sequence number of the first octet; None if nothing tells."""
    by_key: bool
    """Whether the key told it, not the first mapping."""
    lines: list[Line] = field(default_factory=list)
    acknowledged: list[list[Acknowledged]] = field(default_factory=list)
    """What the other host has acknowledged of it, a list for each subflow in each capture."""

    def mappings(self) -> Iterator[Mapped]:
        """Those of all subflows."""
        for line in self.lines:
            yield from line.mappings

    @property
    def lacks(self) -> bool:
        """Whether the captures lack segments that TCP has acknowledged."""
        return any(line.lacks for line in self.lines)

    @property
    def fell_back(self) -> bool:
        """Whether a mapping without an end was sent."""
        return any(line.infinite for line in self.lines)

    @property
    def end(self) -> int:
        """Behind the last place that any mapping or DATA_FIN covers."""
        ends = [mapped.end for mapped in self.mappings()]
        ends += [fin.at + 1 for line in self.lines for fin in line.fins]
        return max(ends, default=0)


def streams(connection: Connection) -> tuple[Stream, Stream]:
    """Return what A sends and what B sends."""
    one, other = (_Reader(connection, host) for host in (True, False))
    for subflow in connection.subflows:
        one.read(subflow)
        other.read(subflow)
    one.acknowledgments(other)
    other.acknowledgments(one)
    return one.finish(), other.finish()


class _Reader:
    """Turns the wire's numbers of one direction into places counted from 0."""

    def __init__(self, connection: Connection, host: bool) -> None:
        self.connection = connection
        idsn = connection.idsn(host)
        base = None if idsn is None else (idsn + 1) % FULL_64
        self.stream = Stream(host, base, by_key=base is not None)
        self.last = 0
        """The place near which a number of 32 bits is meant."""

    def read(self, subflow: Subflow) -> None:
        line = Line(subflow, subflow.isn(self.stream.host))
        source = subflow.end(self.stream.host)
        for view in subflow.views:
            near_ssn = 0
            for packet in view.packets:
                if packet.segment.source == source:
                    near_ssn = self._packet(line, packet, near_ssn)
                elif line.isn is not None and packet.flags & ACK:
                    acknowledged = near(packet.segment.ack - line.isn, 32, near_ssn)
                    line.acknowledged = max(line.acknowledged, acknowledged)
        self.stream.lines.append(line)

    def _packet(self, line: Line, packet: Packet, near_ssn: int) -> int:
        segment = packet.segment
        mapping = packet.signal.mapping if packet.signal else None
        if line.isn is None and mapping and mapping.ssn and segment.payload:
            line.isn = (segment.seq - mapping.ssn) % FULL_32
        if line.isn is not None:
            syn = bool(packet.flags & SYN)
            near_ssn = near(segment.seq + syn - line.isn, 32, near_ssn)
            if segment.payload:
                line.fast_open |= syn
                line.sent.append(Sent(near_ssn, segment.payload, packet))
            if packet.flags & FIN:
                line.closed_at = near_ssn + segment.payload
        if mapping and packet.signal:
            self._mapping(line, packet, mapping, packet.signal.fin, near_ssn)
        elif packet.others and segment.payload:
            self._capable(line, packet)
        return near_ssn

    def _capable(self, line: Line, packet: Packet) -> None:
        """MP_CAPABLE with a length maps the first data (section 3.1)."""
        for option in packet.options(MpCapableData):
            if self.stream.base is not None:
                length, checksum = option.data_level_length, option.checksum
                wire = Mapping(self.stream.base, 8, 1, length, checksum)
                line.mappings.append(Mapped(1, length, 0, checksum, wire, packet))

    def _mapping(
        self, line: Line, packet: Packet, mapping: Mapping, fin: bool, near_ssn: int
    ) -> None:
        ssn = near(mapping.ssn, 32, near_ssn) if mapping.ssn else 0
        length = mapping.length - fin
        mapped = Mapped(
            ssn, length, self.place(mapping.dsn, mapping.octets), mapping.checksum, mapping, packet
        )
        if not mapping.length:
            line.infinite.append(mapped)
            return
        if fin:
            line.fins.append(mapped._replace(at=mapped.end, length=0))
        if length > 0:
            line.mappings.append(mapped)

    def place(self, number: int, octets: int) -> int:
        """Count a data sequence number from the first octet of the connection."""
        if self.stream.base is None:
            self.stream.base = number if octets == 8 else number + FULL_64
        if octets == 8:
            at = (number - self.stream.base + HALF_64) % FULL_64 - HALF_64
        else:
            at = near(number - self.stream.base, 32, self.last)
        self.last = at
        return at

    def acknowledgments(self, peer: _Reader) -> None:
        """Read what the other host has acknowledged of this direction."""
        for subflow in self.connection.subflows:
            source = subflow.end(peer.stream.host)
            for view in subflow.views:
                self.stream.acknowledged.append(
                    [
                        Acknowledged(self.place(signal.data_ack, signal.octets), packet)
                        for packet in view.packets
                        if (signal := packet.signal) and signal.data_ack is not None
                        if packet.segment.source == source
                    ]
                )

    def finish(self) -> Stream:
        """Keep each different mapping once, in the order of the subflow."""
        for line in self.stream.lines:
            unique = {(m.ssn, m.length, m.at, m.checksum): m for m in reversed(line.mappings)}
            line.mappings = sorted(unique.values(), key=lambda mapped: mapped[:3])
        return self.stream
