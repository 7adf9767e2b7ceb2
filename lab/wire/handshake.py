"""The handshakes of MPTCP, put together from segments, and the proof that they belong together.

A connection begins with three segments that carry MP_CAPABLE, each further subflow with three that
carry MP_JOIN. A capture may lack some of them: what they would have told is None then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lab.errors import ScenarioFailed
from lab.wire import keys, mptcp
from lab.wire.segment import Endpoint, Segment

T = TypeVar("T")

SYN, SYN_ACK, ACK = "SYN", "SYN/ACK", "ACK"
"""The steps of both handshakes, as messages call them."""

MP_CAPABLE_STEPS: dict[type[mptcp.MptcpOption], str] = {
    mptcp.MpCapableSyn: SYN,
    mptcp.MpCapableSynAck: SYN_ACK,
    mptcp.MpCapableAck: ACK,
    mptcp.MpCapableData: ACK,
}
MP_JOIN_STEPS: dict[type[mptcp.MptcpOption], str] = {
    mptcp.MpJoinSyn: SYN,
    mptcp.MpJoinSynAck: SYN_ACK,
    mptcp.MpJoinAck: ACK,
}


@dataclass(frozen=True, slots=True)
class Connection:
    """The exchange of MP_CAPABLE that begins a connection (RFC 8684, section 3.1)."""

    initiator: Endpoint
    """Who sent the SYN."""
    responder: Endpoint
    """Who answered it."""
    syn: Segment | None
    syn_ack: Segment | None
    ack: Segment | None
    """The first segment with both keys, with or without data."""
    initiator_key: int | None
    """Sent in the ACK."""
    responder_key: int | None
    """Sent in the SYN/ACK, repeated in the ACK."""

    def __str__(self) -> str:
        return f"connection {self.initiator} > {self.responder}"

    @property
    def missing(self) -> tuple[str, ...]:
        """Which of SYN, SYN/ACK and ACK were not seen with MP_CAPABLE."""
        return _missing(self.syn, self.syn_ack, self.ack)

    @property
    def initiator_token(self) -> int | None:
        """The token in joins that the responder sends."""
        return None if self.initiator_key is None else keys.token(self.initiator_key)

    @property
    def responder_token(self) -> int | None:
        """The token in joins that the initiator sends."""
        return None if self.responder_key is None else keys.token(self.responder_key)

    @property
    def initiator_idsn(self) -> int | None:
        """The initial data sequence number of what the initiator sends."""
        return None if self.initiator_key is None else keys.idsn(self.initiator_key)

    @property
    def responder_idsn(self) -> int | None:
        """The initial data sequence number of what the responder sends."""
        return None if self.responder_key is None else keys.idsn(self.responder_key)


@dataclass(frozen=True, slots=True)
class Join:
    """The exchange of MP_JOIN that adds a subflow to a connection (RFC 8684, section 3.2)."""

    initiator: Endpoint
    """Who sent the SYN; this may be either host of the connection."""
    responder: Endpoint
    """Who answered it."""
    syn: Segment | None
    syn_ack: Segment | None
    ack: Segment | None
    token: int | None
    """Which of the responder's connections is joined (SYN)."""
    initiator_nonce: int | None
    """SYN."""
    responder_nonce: int | None
    """SYN/ACK."""
    initiator_address_id: int | None
    """SYN."""
    responder_address_id: int | None
    """SYN/ACK."""
    initiator_backup: bool | None
    """Whether the responder is asked to send on this subflow only if no other is left (SYN)."""
    responder_backup: bool | None
    """The same for the initiator (SYN/ACK)."""
    syn_ack_hmac: bytes | None
    """The responder's HMAC, its leftmost 64 bits (SYN/ACK)."""
    ack_hmac: bytes | None
    """The initiator's HMAC, its leftmost 160 bits (ACK)."""

    def __str__(self) -> str:
        return f"join {self.initiator} > {self.responder}"

    @property
    def missing(self) -> tuple[str, ...]:
        """Which of SYN, SYN/ACK and ACK were not seen with MP_JOIN."""
        return _missing(self.syn, self.syn_ack, self.ack)

    def verify(self, connection: Connection) -> None:
        """Recompute the token and both HMACs from the connection's keys (RFC 8684, section 3.2).

        Raises ScenarioFailed if one is not what was seen, or if what is needed was not captured.
        """
        initiator_key, responder_key = self._keys(connection)
        initiator = keys.Party(initiator_key, _seen(self.initiator_nonce, self, SYN))
        responder = keys.Party(responder_key, _seen(self.responder_nonce, self, SYN_ACK))

        seen = _seen(self.syn_ack_hmac, self, SYN_ACK)
        expected = keys.join_hmac_syn_ack(sender=responder, receiver=initiator)
        if seen != expected:
            raise self._differs(self.syn_ack, "HMAC of the SYN/ACK", seen.hex(), expected.hex())

        seen = _seen(self.ack_hmac, self, ACK)
        expected = keys.join_hmac_ack(sender=initiator, receiver=responder)
        if seen != expected:
            raise self._differs(self.ack, "HMAC of the ACK", seen.hex(), expected.hex())

    def _keys(self, connection: Connection) -> tuple[int, int]:
        """Return the keys of this join's initiator and responder: the token tells who is who."""
        seen = _seen(self.token, self, SYN)
        first = _seen(connection.initiator_key, connection, ACK)
        second = _seen(connection.responder_key, connection, SYN_ACK)
        if seen == keys.token(second):
            return first, second
        if seen == keys.token(first):
            return second, first
        expected = (
            f"{keys.token(second):#010x} (or {keys.token(first):#010x}, if the responder of the "
            "connection joins)"
        )
        raise self._differs(self.syn, "token of the SYN", f"{seen:#010x}", expected)

    def _differs(
        self, segment: Segment | None, what: str, seen: str, expected: str
    ) -> ScenarioFailed:
        packet = f"packet {segment.number}" if segment else "packet unknown"
        return ScenarioFailed(
            f"{self}, {packet}: the {what} is {seen}, expected {expected} (RFC 8684, section 3.2)"
        )


def connections(segments: Iterable[Segment]) -> tuple[Connection, ...]:
    """Return the exchanges of MP_CAPABLE in the order of their first segments."""
    found = []
    for exchange in _exchanges(segments, MP_CAPABLE_STEPS):
        syn_ack, ack = exchange.option(SYN_ACK), exchange.option(ACK)
        found.append(
            Connection(
                initiator=exchange.initiator,
                responder=exchange.responder,
                syn=exchange.segments.get(SYN),
                syn_ack=exchange.segments.get(SYN_ACK),
                ack=exchange.segments.get(ACK),
                initiator_key=ack and ack.sender_key,
                responder_key=syn_ack.sender_key if syn_ack else ack and ack.receiver_key,
            )
        )
    return tuple(found)


def joins(segments: Iterable[Segment]) -> tuple[Join, ...]:
    """Return the exchanges of MP_JOIN in the order of their first segments."""
    found = []
    for exchange in _exchanges(segments, MP_JOIN_STEPS):
        syn, syn_ack, ack = (exchange.option(step) for step in (SYN, SYN_ACK, ACK))
        found.append(
            Join(
                initiator=exchange.initiator,
                responder=exchange.responder,
                syn=exchange.segments.get(SYN),
                syn_ack=exchange.segments.get(SYN_ACK),
                ack=exchange.segments.get(ACK),
                token=syn and syn.token,
                initiator_nonce=syn and syn.nonce,
                responder_nonce=syn_ack and syn_ack.nonce,
                initiator_address_id=syn and syn.address_id,
                responder_address_id=syn_ack and syn_ack.address_id,
                initiator_backup=syn and bool(syn.backup),
                responder_backup=syn_ack and bool(syn_ack.backup),
                syn_ack_hmac=syn_ack and syn_ack.hmac,
                ack_hmac=ack and ack.hmac,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A handshake while it is put together: what was first seen of each step."""

    initiator: Endpoint
    responder: Endpoint
    segments: dict[str, Segment] = field(default_factory=dict)
    values: dict[str, bytes] = field(default_factory=dict)

    def add(self, step: str, segment: Segment, value: bytes) -> None:
        self.segments.setdefault(step, segment)
        self.values.setdefault(step, value)

    def option(self, step: str) -> Any:
        """Return the layer, or None; its fields are Any to mypy, as all of Scapy is."""
        return mptcp.MptcpOption(self.values[step]) if step in self.values else None

    def begins_anew(self, step: str, segment: Segment) -> bool:
        """Tell a SYN of a later subflow with the same addresses from a retransmission."""
        return step == SYN and (SYN not in self.segments or self.segments[SYN].seq != segment.seq)


def _exchanges(
    segments: Iterable[Segment], steps: dict[type[mptcp.MptcpOption], str]
) -> list[_Exchange]:
    """Sort the options of a handshake by the subflow that they belong to."""
    found: list[_Exchange] = []
    latest: dict[tuple[Endpoint, Endpoint], _Exchange] = {}
    for segment in segments:
        for value in mptcp.values(segment.options):
            step = steps.get(mptcp.layer_for(value))
            if step is None:
                continue
            ends = (segment.source, segment.destination)
            if step == SYN_ACK:
                ends = ends[::-1]
            if ends not in latest or latest[ends].begins_anew(step, segment):
                latest[ends] = _Exchange(*ends)
                found.append(latest[ends])
            latest[ends].add(step, segment, value)
    return found


def _missing(*handshake: Segment | None) -> tuple[str, ...]:
    steps = (SYN, SYN_ACK, ACK)
    return tuple(step for step, segment in zip(steps, handshake, strict=True) if segment is None)


def _seen(value: T | None, exchange: Connection | Join, step: str) -> T:
    if value is None:
        raise ScenarioFailed(f"{exchange}: cannot be verified, the capture lacks its {step}")
    return value
