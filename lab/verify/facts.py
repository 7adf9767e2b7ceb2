"""All that the rules are asked about: one connection, both directions, and its fallback."""

from __future__ import annotations

from typing import NamedTuple

from lab.verify.connection import Connection
from lab.verify.finding import Finding, note
from lab.verify.stream import Stream, streams
from lab.verify.subflow import SYN, SYN_OR_ACK, Packet, Subflow
from lab.wire.mptcp import MpCapable


class Facts(NamedTuple):
    """What is known of a connection before any rule is asked."""

    connection: Connection
    streams: tuple[Stream, Stream]
    """What A sends, and what B sends."""
    fallback: Finding | None
    """Why the connection is plain TCP from its beginning; None if it is not."""
    checksums: bool | None
    """Whether one of both SYNs asks for checksums (section 3.1); None if one was not captured."""

    def sent_by(self, host: bool) -> Stream:
        """What A or B sends."""
        return self.streams[0] if host else self.streams[1]


def facts(connection: Connection) -> Facts:
    """Gather what the rules need."""
    both = streams(connection)
    return Facts(connection, both, _fallback(connection, both), _checksums(connection))


def _checksums(connection: Connection) -> bool | None:
    exchange = connection.exchange
    if exchange is None or exchange.syn is None or exchange.syn_ack is None:
        return None
    options = (*exchange.syn.mptcp, *exchange.syn_ack.mptcp)
    return any(option.flags.A for option in options if isinstance(option, MpCapable))


def _fallback(connection: Connection, both: tuple[Stream, Stream]) -> Finding | None:
    """Recognise a fallback in the handshake, or with the first data, and name its cause."""
    exchange, initial = connection.exchange, connection.initial
    if exchange is None or initial is None or exchange.syn is None:
        return None
    bare = bare_packets(initial)
    answer = next((p for p in bare if p.flags & SYN_OR_ACK == SYN_OR_ACK), None)
    if exchange.syn_ack is None and answer:
        repeated = next((p for p in bare if p.flags & SYN_OR_ACK == SYN), None)
        if repeated:
            sentence = "fallback to TCP: the SYN was repeated without MP_CAPABLE, and answered so"
            return note("section 3.7", sentence, repeated.place, answer.place)
        sentence = (
            "fallback to TCP: the SYN/ACK has no MP_CAPABLE; the peer does not speak MPTCP, or a "
            "middlebox took the option away"
        )
        return note("section 3.1", sentence, answer.place)
    if exchange.syn_ack and exchange.ack is None:
        third = next((p for p in bare if _of_initiator(initial, p)), None)
        if third:
            sentence = "fallback to TCP: the third packet has no MP_CAPABLE"
            return note("section 3.7", sentence, third.place)
    return None if connection.cut else _first_data(both)


def _first_data(both: tuple[Stream, Stream]) -> Finding | None:
    for stream in both:
        line = stream.lines[0]
        if line.sent and not (line.mappings or line.infinite or line.fast_open):
            sentence = "fallback to TCP: the first data have no mapping, nor any after them"
            return note("section 3.7", sentence, line.sent[0].packet.place)
    return None


def _of_initiator(initial: Subflow, packet: Packet) -> bool:
    return packet.segment.source == initial.initiator and not packet.segment.rst


def bare_packets(subflow: Subflow) -> list[Packet]:
    """The packets without any MPTCP option, of which none was cut."""
    return [packet for packet in subflow.packets() if packet.bare]
