"""MP_JOIN: tokens, HMACs, and what may come when (section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator

from lab.verify.facts import Facts, bare_packets
from lab.verify.finding import Checked, Finding, Judgement, Place, Unchecked, doubt, violation
from lab.verify.subflow import SYN_OR_ACK, Subflow
from lab.wire import handshake, mptcp
from lab.wire.segment import Flags

SECTION = "section 3.2"
FORMS = {
    mptcp.MpJoinSyn: (True, False),
    mptcp.MpJoinSynAck: (True, True),
    mptcp.MpJoinAck: (False, True),
}
"""The flags SYN and ACK of the segment that carries each form."""


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at every subflow."""
    connection = facts.connection
    for subflow in connection.subflows:
        if subflow is connection.initial:
            yield from _on_the_initial(subflow)
            continue
        if subflow.join is None:
            yield Unchecked(f"subflow {subflow}", "no capture has its handshake")
            continue
        yield from _forms(subflow)
        yield from _repeated(subflow)
        if connection.exchange is None:
            yield Unchecked(f"HMACs of join {subflow}", "no capture has the connection's keys")
        else:
            yield from _proof(subflow, subflow.join, connection.exchange)
        yield from _order(subflow, subflow.join, connection.cut)


def _on_the_initial(subflow: Subflow) -> Iterator[Finding]:
    """What began with MP_CAPABLE joins nothing."""
    for packet in subflow.packets():
        for option in packet.options(mptcp.MpJoin):
            sentence = f"{type(option).__name__} on the subflow that MP_CAPABLE began"
            yield violation(SECTION, sentence, packet.place)


def _proof(
    subflow: Subflow, join: handshake.Join, exchange: handshake.Connection
) -> Iterator[Judgement]:
    faults = list(join.faults(exchange))
    for fault in faults:
        yield violation(
            SECTION,
            f"{join}: the {fault.what} is {fault.seen}, expected {fault.expected}",
            *_places(subflow, fault.segment),
        )
    if not faults and join.token is not None and exchange.responder_token is not None:
        yield Checked("tokens of joins", 1)
    if join.checkable(exchange):
        yield Checked(
            "HMACs of joins", sum(h is not None for h in (join.syn_ack_hmac, join.ack_hmac))
        )
    elif join.syn_ack_hmac or join.ack_hmac:
        yield Unchecked(f"HMACs of {join}", "keys or nonces were not captured")


def _places(subflow: Subflow, segment: object) -> list[Place]:
    return [packet.place for packet in subflow.packets() if packet.segment is segment]


def _forms(subflow: Subflow) -> Iterator[Finding]:
    for packet in subflow.packets():
        for option in packet.options(mptcp.MpJoin):
            syn, ack = FORMS[type(option)]
            flags = packet.segment.flags & Flags(SYN_OR_ACK)
            if (Flags.SYN in flags, Flags.ACK in flags) != (syn, ack):
                sentence = f"{type(option).__name__} stands on a segment with {flags!r}"
                yield violation(SECTION, sentence, packet.place)


def _repeated(subflow: Subflow) -> Iterator[Finding]:
    """A handshake's segment that is sent again carries the same option."""
    first: dict[type, tuple[bytes, Place]] = {}
    for packet in subflow.packets():
        for option in packet.options(mptcp.MpJoin):
            value = bytes(option)
            before, place = first.setdefault(type(option), (value, packet.place))
            if value != before:
                sentence = f"{type(option).__name__} differs from what was sent before"
                yield violation(SECTION, sentence, packet.place, place)


def _order(subflow: Subflow, join: handshake.Join, cut: bool) -> Iterator[Finding]:
    """Only a subflow whose four packets were exchanged carries data."""
    if not subflow.began or cut:
        return
    payload = [packet for packet in subflow.packets() if packet.segment.payload]
    if not payload:
        return
    answers = [p for p in bare_packets(subflow) if p.flags & SYN_OR_ACK == SYN_OR_ACK]
    if join.syn_ack is None and answers:
        sentence = f"{join} carries data, though its SYN/ACK had no MP_JOIN"
        yield violation(SECTION, sentence, payload[0].place, answers[0].place)
    elif join.ack is None:  # an acknowledgment that a capture lacks leaves no gap
        sentence = f"{join} carries data, though no ACK had MP_JOIN"
        yield doubt(SECTION, sentence, payload[0].place)
