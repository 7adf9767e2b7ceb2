"""Connections: which subflows belong together, and who of the two hosts is who."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.verify.subflow import Packet, Subflow
from lab.wire import handshake

A, B = True, False
"""The host that sent the first SYN, and the other one."""


@dataclass(slots=True, eq=False)
class Connection:
    """Subflows with the same token, and the keys if they were captured."""

    subflows: list[Subflow]
    exchange: handshake.Connection | None
    """The exchange of MP_CAPABLE; None if no capture has any of it."""
    cut: bool = False
    """Whether a capture has only a part of some packet's options."""
    strangers: bool = False
    """Whether there are subflows whose connection is unknown: they may belong to this one."""

    def __str__(self) -> str:
        return str(self.subflows[0])

    @property
    def initial(self) -> Subflow | None:
        """The subflow that began it; None if no capture has any of its MP_CAPABLE."""
        return self.subflows[0] if self.exchange else None

    @property
    def version(self) -> int:
        """Of the protocol; 1 if nothing tells."""
        return self.exchange.version if self.exchange else 1

    @property
    def whole(self) -> bool:
        """Whether a capture has it from its very first SYN on, with all options."""
        return self.initial is not None and self.initial.began and not self.cut

    @property
    def complete(self) -> bool:
        """Whether what the captures lack is known never to have been sent or received.

        One of them must have been taken at a host, on all of its interfaces.
        """
        if self.strangers or not self.whole:
            return False
        return any(
            view.packets[0].segment.interface is not None
            for subflow in self.subflows
            for view in subflow.views
        )

    def key(self, host: bool) -> int | None:
        """The key of A or of B."""
        if self.exchange is None:
            return None
        return self.exchange.initiator_key if host is A else self.exchange.responder_key

    def idsn(self, host: bool) -> int | None:
        """The initial data sequence number of what A or B sends."""
        if self.exchange is None:
            return None
        return self.exchange.initiator_idsn if host is A else self.exchange.responder_idsn

    def packets(self) -> Iterator[tuple[Subflow, Packet]]:
        """All packets of all subflows, each subflow by itself."""
        for subflow in self.subflows:
            for packet in subflow.packets():
                yield subflow, packet

    def sender(self, subflow: Subflow, packet: Packet) -> bool:
        """Which host sent the packet: A or B."""
        by_initiator = packet.segment.source == subflow.initiator
        return by_initiator is subflow.from_a


def connections(subflows: list[Subflow]) -> list[Connection]:
    """Put joins to the connection that their token names; what belongs nowhere is by itself."""
    found = [Connection([each], each.capable) for each in subflows if each.capable]
    strangers: dict[object, Connection] = {}
    for subflow in subflows:
        if subflow.capable:
            continue
        owner = _owner(subflow, found)
        if owner is not None:
            owner.subflows.append(subflow)
            continue
        key = subflow.join.token if subflow.join and subflow.join.token else subflow
        strangers.setdefault(key, Connection([], None)).subflows.append(subflow)
    found += strangers.values()
    for connection in found:
        connection.strangers = bool(strangers)
        connection.cut = any(packet.segment.options_cut for _, packet in connection.packets())
    return found


def _owner(subflow: Subflow, known: list[Connection]) -> Connection | None:
    """Find the connection that a join names, or that its HMACs prove although the token lies."""
    join = subflow.join
    if join is None:
        return None
    for connection in known:
        exchange = connection.exchange
        tokens = exchange and (exchange.responder_token, exchange.initiator_token)
        if tokens and join.token is not None and join.token in tokens:
            subflow.from_a = join.token == tokens[0]
            return connection
    return next((each for each in known if _proven(subflow, join, each)), None)


def _proven(subflow: Subflow, join: handshake.Join, connection: Connection) -> bool:
    exchange = connection.exchange
    assert exchange is not None  # noqa: S101  # for mypy: only such connections are known
    for from_a in (True, False):
        if join.proves(exchange, by_initiator=from_a):
            subflow.from_a = from_a
            return True
    return False
