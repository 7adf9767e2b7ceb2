"""The handshakes of MPTCP, put together from segments, and the proof that they belong together.

A connection begins with three segments that carry MP_CAPABLE, each further subflow with three that
carry MP_JOIN. A capture may lack some of them: what they would have told is None then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lab.errors import ScenarioFailed
from lab.wire import keys, mptcp
from lab.wire.segment import Endpoint, Flags, Segment

SYN, SYN_ACK, ACK = "SYN", "SYN/ACK", "ACK"
"""The steps of both handshakes, as messages call them."""

SYN_OR_ACK = Flags.SYN | Flags.ACK

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


class Fault(NamedTuple):
    """A field of a handshake that is not what the keys demand."""

    segment: Segment | None
    what: str
    seen: str
    expected: str

    def __str__(self) -> str:
        packet = f"packet {self.segment.number}" if self.segment else "packet unknown"
        return f"{packet}: the {self.what} is {self.seen}, expected {self.expected}"


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
    """Sent in the ACK, in version 0 in the SYN already."""
    responder_key: int | None
    """Sent in the SYN/ACK, repeated in the ACK."""
    version: int = 1
    """Of the protocol: the responder's choice, or what was asked for if its answer is unknown."""

    def __str__(self) -> str:
        return f"connection {self.initiator} > {self.responder}"

    @property
    def missing(self) -> tuple[str, ...]:
        """Which of SYN, SYN/ACK and ACK were not seen with MP_CAPABLE."""
        return _missing(self.syn, self.syn_ack, self.ack)

    @property
    def initiator_token(self) -> int | None:
        """The token in joins that the responder sends."""
        return self._derived(keys.token, self.initiator_key)

    @property
    def responder_token(self) -> int | None:
        """The token in joins that the initiator sends."""
        return self._derived(keys.token, self.responder_key)

    @property
    def initiator_idsn(self) -> int | None:
        """The initial data sequence number of what the initiator sends."""
        return self._derived(keys.idsn, self.initiator_key)

    @property
    def responder_idsn(self) -> int | None:
        """The initial data sequence number of what the responder sends."""
        return self._derived(keys.idsn, self.responder_key)

    def _derived(self, derive: Callable[[int, int], int], key: int | None) -> int | None:
        """None for an unknown key, and for a version of which no hash is known."""
        if key is None or self.version not in keys.HASHES:
            return None
        return derive(key, self.version)


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
        for fault in self.faults(connection):
            raise ScenarioFailed(f"{self}, {fault} (RFC 8684, section 3.2)")
        for exchange, step, value in (
            (connection, ACK, connection.initiator_key),
            (connection, SYN_ACK, connection.responder_key),
            (self, SYN, self.token),
            (self, SYN_ACK, self.syn_ack_hmac),
            (self, ACK, self.ack_hmac),
        ):
            if value is None:
                raise ScenarioFailed(
                    f"{exchange}: cannot be verified, the capture lacks its {step}"
                )

    def faults(self, connection: Connection) -> Iterator[Fault]:
        """Yield what cannot be as it was seen, if this join belongs to ``connection``.

        What was not captured, and what cannot be computed without it, is no fault.
        """
        first, second = connection.initiator_token, connection.responder_token
        if self.token is None or first is None or second is None:
            return
        if self.token not in (first, second):
            expected = (
                f"{second:#010x} (or {first:#010x}, if the responder of the connection joins)"
            )
            yield Fault(self.syn, "token of the SYN", f"{self.token:#010x}", expected)
        else:
            yield from self._hmac_faults(connection)

    def _hmac_faults(self, connection: Connection) -> Iterator[Fault]:
        hmacs = self._hmacs(connection, self.token == connection.responder_token)
        if hmacs is None:
            return
        syn_ack, ack = hmacs
        if self.syn_ack_hmac not in (None, syn_ack):
            yield Fault(self.syn_ack, "HMAC of the SYN/ACK", _hex(self.syn_ack_hmac), syn_ack.hex())
        if self.ack_hmac not in (None, ack):
            yield Fault(self.ack, "HMAC of the ACK", _hex(self.ack_hmac), ack.hex())

    def proves(self, connection: Connection, *, by_initiator: bool) -> bool:
        """Whether one of the HMACs is right, whatever the token says.

        ``by_initiator`` tells which host of the connection is supposed to have sent the SYN.
        """
        hmacs = self._hmacs(connection, by_initiator)
        return hmacs is not None and (self.syn_ack_hmac == hmacs[0] or self.ack_hmac == hmacs[1])

    def checkable(self, connection: Connection) -> bool:
        """Whether keys and nonces are known, so that the HMACs can be computed."""
        return self._hmacs(connection, by_initiator=True) is not None

    def _hmacs(self, connection: Connection, by_initiator: bool) -> tuple[bytes, bytes] | None:
        """What SYN/ACK and ACK must carry; None if a key, a nonce or the hash is unknown."""
        key, other = connection.initiator_key, connection.responder_key
        if not by_initiator:
            key, other = other, key
        nonces = (self.initiator_nonce, self.responder_nonce)
        if key is None or other is None or nonces[0] is None or nonces[1] is None:
            return None
        if connection.version not in keys.HASHES:
            return None
        initiator, responder = keys.Party(key, nonces[0]), keys.Party(other, nonces[1])
        return (
            keys.join_hmac_syn_ack(responder, initiator, connection.version),
            keys.join_hmac_ack(initiator, responder, connection.version),
        )


def connections(segments: Iterable[Segment]) -> tuple[Connection, ...]:
    """Return the exchanges of MP_CAPABLE in the order of their first segments."""
    found = []
    for exchange in _exchanges(segments, MP_CAPABLE_STEPS):
        syn, syn_ack, ack = (exchange.option(step) for step in (SYN, SYN_ACK, ACK))
        seen = [option.version for option in (syn_ack, ack, syn) if option]
        found.append(
            Connection(
                initiator=exchange.initiator,
                responder=exchange.responder,
                syn=exchange.segments.get(SYN),
                syn_ack=exchange.segments.get(SYN_ACK),
                ack=exchange.segments.get(ACK),
                initiator_key=_first(getattr(option, "sender_key", None) for option in (ack, syn)),
                responder_key=syn_ack.sender_key if syn_ack else ack and ack.receiver_key,
                version=seen[0],
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
            layer = mptcp.layer_for(value)
            step = steps.get(layer)
            if step is None:
                continue
            if layer is mptcp.MpCapableSynAck and segment.flags & SYN_OR_ACK == Flags.SYN:
                step = SYN  # version 0: with the initiator's key, so as long as a SYN/ACK's
            ends = (segment.source, segment.destination)
            if step == SYN_ACK:
                ends = ends[::-1]
            if ends not in latest or latest[ends].begins_anew(step, segment):
                latest[ends] = _Exchange(*ends)
                found.append(latest[ends])
            latest[ends].add(step, segment, value)
    return found


def _first(keys_seen: Iterable[int | None]) -> int | None:
    return next((key for key in keys_seen if key is not None), None)


def _missing(*handshake: Segment | None) -> tuple[str, ...]:
    steps = (SYN, SYN_ACK, ACK)
    return tuple(step for step, segment in zip(steps, handshake, strict=True) if segment is None)


def _hex(value: bytes | None) -> str:
    return "" if value is None else value.hex()
