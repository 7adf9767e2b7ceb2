"""Fallback, failure and the end: MP_FAIL, MP_FASTCLOSE, MP_TCPRST (sections 3.5 to 3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.verify.facts import Facts
from lab.verify.finding import Judgement, doubt, note, violation
from lab.verify.stream import Stream
from lab.verify.subflow import Packet
from lab.wire.mptcp import (
    MpFail,
    MpFastclose,
    MptcpOption,
    MpTcpRst,
    ResetReason,
    label,
)
from lab.wire.segment import Flags


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at what tells of the end of MPTCP, of a subflow, or of the connection."""
    yield from _fallback(facts)
    connection = facts.connection
    for subflow, packet in connection.packets():
        for option in packet.options(MptcpOption):
            sender = connection.sender(subflow, packet)
            if isinstance(option, MpFastclose):
                yield from _fastclose(packet, option, connection.key(not sender))
            elif isinstance(option, MpTcpRst):
                yield from _reset(packet, option)
            elif isinstance(option, MpFail):
                yield from _fail(packet, option, facts.sent_by(not sender))


def _fastclose(packet: Packet, option: Any, key: int | None) -> Iterator[Judgement]:
    section = "section 3.5"
    if key is not None and option.receiver_key != key:
        sentence = (
            f"MP_FASTCLOSE has key {option.receiver_key:#018x}, the receiver's is {key:#018x}"
        )
        yield violation(section, sentence, packet.place)
    if not packet.segment.flags & (Flags.RST | Flags.ACK) or packet.segment.syn:
        yield violation(section, "MP_FASTCLOSE stands neither on RST nor on ACK", packet.place)
    yield note(section, "the connection was closed abruptly by MP_FASTCLOSE", packet.place)


def _reset(packet: Packet, option: Any) -> Iterator[Judgement]:
    section = "section 3.6"
    if not packet.segment.rst:
        yield violation(section, "MP_TCPRST stands on a segment without RST", packet.place)
    if option.flags.U or option.flags.V or option.flags.W:
        sentence = f"MP_TCPRST has the flags {option.flags}, of which only T may be set"
        yield violation(section, sentence, packet.place)
    if option.reason not in list(ResetReason):
        sentence = f"MP_TCPRST has the unassigned reason {option.reason}"
        yield doubt(section, sentence, packet.place)
        return
    reason = ResetReason(option.reason).name.lower().replace("_", " ")
    transient = ", transient" if option.flags.T else ""
    yield note(section, f"a subflow was reset: {reason}{transient}", packet.place)


def _fail(packet: Packet, option: Any, stream: Stream) -> Iterator[Judgement]:
    """It names data that the peer has mapped."""
    section = "section 3.7"
    known = {mapped.wire.dsn % (1 << 8 * mapped.wire.octets) for mapped in stream.mappings()}
    low = {number for number in known if number == option.dsn or number == option.dsn % (1 << 32)}
    if stream.by_key and not low:
        sentence = f"MP_FAIL names data sequence number {option.dsn:#x}, where no mapping begins"
        yield violation(section, sentence, packet.place)
    yield note(section, "a checksum was found wrong: MP_FAIL", packet.place)


def _fallback(facts: Facts) -> Iterator[Judgement]:
    if facts.fallback:
        yield facts.fallback
        yield from _options_after(facts)
        return
    failed = any(_has(packet, MpFail) for _, packet in facts.connection.packets())
    cause = "after a wrong checksum" if failed else "by the sender's own decision"
    for stream in facts.streams:
        for line in stream.lines:
            for mapped in line.infinite[:1]:
                sentence = f"fallback to TCP: a mapping without an end, {cause}"
                yield note("section 3.7", sentence, mapped.packet.place)
            for mapped in line.infinite:
                if mapped.checksum:
                    sentence = "the mapping without an end has a checksum other than 0"
                    yield violation("section 3.7", sentence, mapped.packet.place)


def _has(packet: Packet, kind: type[MptcpOption]) -> bool:
    return any(True for _ in packet.options(kind))


def _options_after(facts: Facts) -> Iterator[Judgement]:
    """Who has seen that the other one speaks TCP sends no MPTCP options (section 3.7)."""
    initial, exchange = facts.connection.initial, facts.connection.exchange
    if initial is None or exchange is None or exchange.syn_ack is not None:
        return
    for packet in initial.packets():
        if not packet.segment.syn and (packet.signal or packet.others):
            name = label(packet.others[0]) if packet.others else "Dss"
            sentence = f"{name} after the fallback to TCP"
            yield violation("section 3.7", sentence, packet.place)
