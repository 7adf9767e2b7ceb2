"""Subflows and connections: which packet belongs to which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lab.columns.groups import codes
from lab.columns.mptcp import Field, Flag, Options, Subtype
from lab.columns.octets import Array, Bools, Ints
from lab.columns.packets import Packets
from lab.columns.table import Table
from lab.wire import keys

SYN, RST, ACK = 0x02, 0x04, 0x10


class Joined(NamedTuple):
    """What the handshake of a subflow tells."""

    connection: int
    """Its number, -1 if the handshake was not captured."""
    same_way: bool
    """Whether the connection's initiator is the subflow's too."""
    master: bool
    """Whether the connection began with it (MP_CAPABLE)."""
    backup: bool
    """The flag of the SYN's MP_JOIN."""


_Ends = tuple[Array, Array, Array]
"""The halves of addresses, and ports."""

UNKNOWN = Joined(-1, True, False, False)


@dataclass(frozen=True, eq=False)
class Flows(Table):
    """Where each packet belongs; as many rows as there are packets."""

    subflow: Ints
    """From 0, in the order of their first packets."""
    onward: Bools
    """Whether the subflow's initiator sent it."""
    connection: Ints
    """From 0; -1: a subflow with no MPTCP option at all."""
    forward: Bools
    """Whether the connection's initiator sent it."""


def flows(packets: Packets, options: Options) -> tuple[Flows, list[Joined]]:
    """Assign packets to subflows, and those to connections; also what is known of each subflow.

    A subflow whose handshake was not captured is taken as a connection of its own.
    """
    subflow, onward = _subflows(packets)
    count = int(subflow.max()) + 1 if len(subflow) else 0
    known = _Handshakes(count).read(packets, options, subflow)
    connection = np.array([each.connection for each in known], np.int64)
    alone = np.zeros(count, bool)
    alone[subflow[options.packet]] = True
    alone &= connection < 0
    connection[alone] = connection.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    same_way = np.array([each.same_way for each in known], bool)
    known = [each._replace(connection=int(c)) for each, c in zip(known, connection, strict=True)]
    return Flows(subflow, onward, connection[subflow], onward == same_way[subflow]), known


def _subflows(packets: Packets) -> tuple[Ints, Bools]:
    """Number the subflows; a SYN with another sequence number begins a new one."""
    ends: _Ends = (packets.source[:, 0], packets.source[:, 1], packets.source_port)
    others: _Ends = (
        packets.destination[:, 0], packets.destination[:, 1], packets.destination_port
    )  # fmt: skip
    swapped = _greater(ends, others)
    low = [np.where(swapped, b, a) for a, b in zip(ends, others, strict=True)]
    high = [np.where(swapped, a, b) for a, b in zip(ends, others, strict=True)]
    pair = codes([*low, *high])
    subflow = codes([pair, _times_begun(packets, pair)])
    first = np.unique(subflow, return_index=True)[1]
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    subflow, first = rank[subflow], np.sort(first)
    answer = packets.flags[first] & (SYN | ACK) == SYN | ACK
    initiator_swapped = swapped[first] ^ answer
    return subflow, swapped == initiator_swapped[subflow]


def _greater(ends: _Ends, others: _Ends) -> Bools:
    """Compare addresses and ports as one long number."""
    greater = np.zeros(len(ends[0]), bool)
    equal = np.ones(len(ends[0]), bool)
    for one, other in zip(ends, others, strict=True):
        greater |= equal & (one > other)
        equal &= one == other
    return greater


def _times_begun(packets: Packets, pair: Ints) -> Ints:
    """Return how many SYNs of other handshakes each packet comes after, between its two ends."""
    rows = np.flatnonzero(packets.flags & (SYN | ACK) == SYN)
    rows = rows[np.argsort(pair[rows], kind="stable")]
    anew = np.zeros(len(rows), bool)
    if len(rows):
        same = pair[rows[1:]] == pair[rows[:-1]]
        anew[1:] = same & (packets.seq[rows[1:]] != packets.seq[rows[:-1]])
    starts, total = rows[anew], len(pair) + 1
    return np.searchsorted(
        pair[starts] * total + starts, pair * total + np.arange(len(pair)), "right"
    ).astype(np.int64)


class _Handshakes:
    """MP_CAPABLE and MP_JOIN of a whole capture: they are few, so one by one."""

    def __init__(self, subflows: int) -> None:
        self._known = [UNKNOWN] * subflows
        self._tokens: dict[int, tuple[int, bool]] = {}
        """Connection of each token, and whether it is the responder's."""
        self._connections = 0

    def read(self, packets: Packets, options: Options, subflow: Ints) -> list[Joined]:
        """Return what is known of each subflow."""
        flags, at = packets.flags[options.packet], subflow[options.packet]
        for row in options.of(Subtype.MP_CAPABLE).tolist():
            answer = int(flags[row]) & (SYN | ACK) == SYN | ACK
            self._capable(options, row, int(at[row]), answer)
        for row in np.flatnonzero(options.has(Field.token)).tolist():
            self._join(options, row, int(at[row]))
        return self._known

    def _capable(self, options: Options, row: int, at: int, answer: bool) -> None:
        if self._known[at].connection < 0:
            self._known[at] = Joined(self._connections, True, True, False)
            self._connections += 1
        connection, version = self._known[at].connection, int(options.version[row])
        if version not in keys.HASHES:
            return
        for field, of_responder in ((Field.sender_key, answer), (Field.receiver_key, not answer)):
            if options.present[row] & field:
                key = int(getattr(options, str(field.name))[row])
                self._tokens[keys.token(key, version)] = (connection, of_responder)

    def _join(self, options: Options, row: int, at: int) -> None:
        found = self._tokens.get(int(options.token[row]))
        if found:
            connection, of_responder = found
            backup = bool(options.flags[row] & Flag.BACKUP)
            self._known[at] = Joined(connection, of_responder, False, backup)
