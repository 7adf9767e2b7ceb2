"""MP_CAPABLE: its forms, versions, flags and keys (section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.verify.facts import Facts
from lab.verify.finding import Checked, Judgement, Unchecked, doubt, violation
from lab.verify.subflow import SYN, SYN_OR_ACK, Packet
from lab.wire import keys, mptcp
from lab.wire.segment import Flags

SECTION = "section 3.1"
RESERVED = "BDEFG"

FORMS: dict[tuple[bool, Flags], tuple[type[mptcp.MptcpOption], ...]] = {
    (False, Flags.SYN): (mptcp.MpCapableSyn,),
    (True, Flags.SYN): (mptcp.MpCapableSynAck,),
    (False, Flags(SYN_OR_ACK)): (mptcp.MpCapableSynAck,),
    (True, Flags(SYN_OR_ACK)): (mptcp.MpCapableSynAck,),
    (False, Flags.ACK): (mptcp.MpCapableAck, mptcp.MpCapableData),
    (True, Flags.ACK): (mptcp.MpCapableAck,),
}
"""Which forms a segment may carry, by whether the version is 0 and by the segment's flags."""


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at every MP_CAPABLE of the connection, repeated ones too."""
    connection = facts.connection
    if connection.initial is None:
        yield Unchecked("keys, tokens, IDSNs and HMACs", "no capture has the MP_CAPABLE exchange")
        return
    seen = 0
    for packet in connection.initial.packets():
        for option in packet.options(mptcp.MpCapable):
            seen += 1
            yield from _form(packet, option)
            yield from _flags(facts, packet, option)
            yield from _keys(facts, packet, option)
            yield from _version(facts, packet, option)
    yield Checked("MP_CAPABLE options", seen)
    yield from _closed(facts)
    yield from _lacking(facts)


def _closed(facts: Facts) -> Iterator[Judgement]:
    """Flag C: the host takes no joins to the address and port where the connection began."""
    connection, initial = facts.connection, facts.connection.initial
    if initial is None or connection.version == 0:
        return
    said: dict[bool, tuple[bool, Packet]] = {}
    for packet in initial.packets():
        for option in packet.options(mptcp.MpCapable):
            host, closed = connection.sender(initial, packet), bool(option.flags.C)
            before, first = said.setdefault(host, (closed, packet))
            if closed is not before:
                sentence = f"MP_CAPABLE has C={int(closed)}, before it had C={int(before)}"
                yield doubt(SECTION, sentence, packet.place, first.place)
    ends = {initial.end(host): packet for host, (closed, packet) in said.items() if closed}
    for subflow in connection.subflows:
        if subflow is not initial and subflow.responder in ends:
            sentence = f"join {subflow} goes where MP_CAPABLE said that none is taken (flag C)"
            yield violation(SECTION, sentence, ends[subflow.responder].place)


def _lacking(facts: Facts) -> Iterator[Judgement]:
    exchange = facts.connection.exchange
    if exchange is None or facts.fallback or _refused(facts):
        return
    for name, key in (("initiator", exchange.initiator_key), ("responder", exchange.responder_key)):
        if key is None:
            yield Unchecked("tokens, IDSNs and HMACs", f"no capture has the {name}'s key")
    if exchange.version not in (0, 1):
        yield Unchecked("tokens, IDSNs and HMACs", f"version {exchange.version} is not known")
    if exchange.initiator_idsn is not None and exchange.responder_idsn is not None:
        yield Checked("tokens and IDSNs", 2)


def _refused(facts: Facts) -> bool:
    """Whether the handshake ended before there was anything to compute."""
    exchange = facts.connection.exchange
    return (
        exchange is not None
        and exchange.ack is None
        and any(packet.segment.rst for _, packet in facts.connection.packets())
    )


def _form(packet: Packet, option: Any) -> Iterator[Judgement]:
    flags = packet.segment.flags & Flags(SYN_OR_ACK)
    allowed = FORMS.get((option.version == 0, flags), ())
    if type(option) not in allowed:
        yield violation(
            SECTION,
            f"MP_CAPABLE of version {option.version} has the form {type(option).__name__} on a "
            f"segment with {flags!r}",
            packet.place,
        )


def _flags(facts: Facts, packet: Packet, option: Any) -> Iterator[Judgement]:
    wrong = "".join(letter for letter in RESERVED if getattr(option.flags, letter))
    if wrong:
        yield violation(SECTION, f"MP_CAPABLE has the flags {wrong}, to be sent as 0", packet.place)
    if not option.flags.H:
        yield violation(SECTION, "MP_CAPABLE names no known algorithm (flag H)", packet.place)
    asked = facts.checksums
    if packet.segment.syn or asked is None or bool(option.flags.A) is asked:
        return
    sentence = f"MP_CAPABLE with both keys has A={int(option.flags.A)}, the SYNs say {int(asked)}"
    yield violation(SECTION, sentence, packet.place)


def _keys(facts: Facts, packet: Packet, option: Any) -> Iterator[Judgement]:
    exchange = facts.connection.exchange
    from_initiator = facts.connection.sender(facts.connection.subflows[0], packet)
    if exchange is None:
        return
    own, other = exchange.initiator_key, exchange.responder_key
    if not from_initiator:
        own, other = other, own
    for field, expected in (("sender_key", own), ("receiver_key", other)):
        key = getattr(option, field, None)
        if key is not None and key != expected:
            yield violation(
                SECTION,
                f"MP_CAPABLE has the {field.replace('_', ' ')} {key:#018x}, before it was "
                f"{expected or 0:#018x}",
                packet.place,
            )


def _version(facts: Facts, packet: Packet, option: Any) -> Iterator[Judgement]:
    exchange = facts.connection.exchange
    if exchange is None:
        return
    if packet.flags & SYN_OR_ACK == SYN:
        wrong = option.version < exchange.version
        if option.version not in keys.HASHES:
            sentence = f"MP_CAPABLE asks for version {option.version}, which no RFC defines"
            yield doubt(SECTION, sentence, packet.place)
    else:
        wrong = option.version != exchange.version
    if wrong:
        sentence = f"MP_CAPABLE has version {option.version}, agreed is {exchange.version}"
        yield violation(SECTION, sentence, packet.place)
