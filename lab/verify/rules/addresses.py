"""Address ids, ADD_ADDR, REMOVE_ADDR and MP_PRIO (sections 3.3.8 and 3.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lab.verify.connection import A, B, Connection
from lab.verify.facts import Facts
from lab.verify.finding import Checked, Judgement, Place, Unchecked, doubt, note, violation
from lab.verify.subflow import Packet, Subflow
from lab.wire import keys
from lab.wire.mptcp import (
    AddAddr,
    MpJoinSyn,
    MpJoinSynAck,
    MpPrio,
    MptcpOption,
    RemoveAddr,
    Subtype,
)

SECTION = "section 3.4.1"
SUBTYPES = (Subtype.MP_JOIN, Subtype.ADD_ADDR, Subtype.REMOVE_ADDR, Subtype.MP_PRIO)


class Announced(NamedTuple):
    """What an ADD_ADDR and its echo have in common."""

    address_id: int
    address: str
    port: int | None


@dataclass(slots=True)
class _Host:
    """What a host has told of its addresses."""

    addresses: dict[int, str] = field(default_factory=dict)
    announced: dict[Announced, Place] = field(default_factory=dict)
    echoed: set[Announced] = field(default_factory=set)


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at each capture by itself, in its order."""
    connection = facts.connection
    by_file: dict[str, list[tuple[Packet, Subflow]]] = {}
    for subflow, packet in connection.packets():
        if any(value[0] >> 4 in SUBTYPES for value in packet.others):
            by_file.setdefault(packet.place.file, []).append((packet, subflow))
    for seen in by_file.values():
        yield from _Addresses(connection).judge(sorted(seen, key=lambda pair: pair[0].place))


class _Addresses:
    """Follows what both hosts tell of their addresses in one capture."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.hosts = {A: _Host(), B: _Host()}
        if connection.initial:
            for host in (A, B):
                self.hosts[host].addresses[0] = connection.initial.end(host).host

    def judge(self, seen: list[tuple[Packet, Subflow]]) -> Iterator[Judgement]:
        for packet, subflow in seen:
            host = self.connection.sender(subflow, packet)
            for option in packet.options(MptcpOption):
                if isinstance(option, MpJoinSyn | MpJoinSynAck):
                    yield from self._known(packet, host, option)
                    address = packet.segment.source.host
                    yield from self._bind(packet, host, option.address_id, address)
                elif isinstance(option, AddAddr):
                    yield from self._add_addr(packet, host, option)
                elif isinstance(option, RemoveAddr):
                    yield from self._remove_addr(packet, host, option)
                elif isinstance(option, MpPrio) and option.address_id is not None:
                    yield from self._prio(packet)
        yield from self._unanswered(seen)

    def _bind(self, packet: Packet, host: bool, number: int, address: str) -> Iterator[Judgement]:
        """An id means one address; but the source of a join may be that of a NAT."""
        known = self.hosts[host].addresses.setdefault(number, address)
        if known != address:
            sentence = f"address id {number} is {address}, before it was {known}"
            yield doubt(SECTION, sentence, packet.place)
        yield Checked("address ids", 1)

    def _known(self, packet: Packet, host: bool, option: Any) -> Iterator[Judgement]:
        """A subflow's address has one id, unless it was announced again with another port.

        Who opens a subflow may choose another one for it; who answers looks the address up.
        """
        address = packet.segment.source.host
        others = [n for n, known in self.hosts[host].addresses.items() if known == address]
        if others and option.address_id not in others:
            sentence = f"address {address} has id {option.address_id}, before it had {others[0]}"
            weigh = doubt if isinstance(option, MpJoinSynAck) else note
            yield weigh(SECTION, sentence, packet.place)

    def _add_addr(self, packet: Packet, host: bool, option: Any) -> Iterator[Judgement]:
        announced = Announced(option.address_id, option.address, option.port)
        if self.connection.version == 0:
            yield from self._bind(packet, host, option.address_id, option.address)
        elif "hmac" not in option.fields and not getattr(option, "echo", 0):
            sentence = "ADD_ADDR has the form of version 0 in a connection of version 1"
            yield violation(SECTION, sentence, packet.place)
        elif option.echo:
            yield from self._echo(packet, self.hosts[not host], announced)
        else:
            yield from self._bind(packet, host, option.address_id, option.address)
            self.hosts[host].announced.setdefault(announced, packet.place)
            yield from self._hmac(packet, host, option)

    def _echo(self, packet: Packet, peer: _Host, announced: Announced) -> Iterator[Judgement]:
        peer.echoed.add(announced)
        if announced not in peer.announced and self.connection.whole:
            sentence = f"the echo of an ADD_ADDR that was not sent: {announced}"
            yield doubt(SECTION, sentence, packet.place)

    def _hmac(self, packet: Packet, host: bool, option: Any) -> Iterator[Judgement]:
        sender, receiver = self.connection.key(host), self.connection.key(not host)
        if sender is None or receiver is None:
            yield Unchecked("HMAC of ADD_ADDR", "no capture has the keys")
            return
        expected = keys.add_addr_hmac(
            sender, receiver, option.address_id, option.address, option.port or 0
        )
        if option.hmac != expected:
            sentence = f"the HMAC of ADD_ADDR is {option.hmac.hex()}, expected {expected.hex()}"
            yield violation(SECTION, sentence, packet.place)
        yield Checked("HMACs of ADD_ADDR", 1)

    def _remove_addr(self, packet: Packet, host: bool, option: Any) -> Iterator[Judgement]:
        for number in option.address_ids:
            known = self.hosts[host].addresses.pop(number, None)
            if known is None and self.connection.whole:
                sentence = f"REMOVE_ADDR of address id {number}, of which nothing was told"
                yield doubt("section 3.4.2", sentence, packet.place)

    def _prio(self, packet: Packet) -> Iterator[Judgement]:
        if self.connection.version:
            sentence = "MP_PRIO has an address id, as in version 0 only"
            yield violation("section 3.3.8", sentence, packet.place)

    def _unanswered(self, seen: list[tuple[Packet, Subflow]]) -> Iterator[Judgement]:
        for host in self.hosts.values():
            for announced, place in host.announced.items():
                if announced not in host.echoed:
                    yield doubt(SECTION, f"ADD_ADDR without an echo: {announced}", place)
