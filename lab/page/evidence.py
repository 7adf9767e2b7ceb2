"""The captures of a run, followed, and who is who in them.

A subflow has a number of its own on a page, the same in all captures: it is known again by what no
address translation changes, the keys and nonces of its handshake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lab.columns.analysis import Analysis, Ends, followed
from lab.columns.capture import Capture
from lab.columns.flows import ACK, SYN, Joined
from lab.columns.mptcp import Field, Subtype
from lab.columns.octets import Ints
from lab.columns.packets import Packets
from lab.columns.sent import Sent

Identity = tuple[str, ...]


class Subflow(NamedTuple):
    """A subflow of a page."""

    number: int
    """From 1, in the order in which the subflows began."""
    connection: int
    """From 1; 0: it has no MPTCP option at all, or none that was captured."""
    ends: Ends
    """As they are where it was first seen."""
    initial: bool
    """Whether the connection began with it."""
    backup: bool
    """Whether it was asked for as a backup."""

    @property
    def name(self) -> str:
        """Number and ends, for people."""
        return f"{self.number}: {self.ends.initiator} > {self.ends.responder}"


@dataclass(frozen=True, eq=False)
class Seen:
    """One capture, followed."""

    host: str
    path: Path
    analysis: Analysis
    numbers: tuple[int, ...]
    """The page's number of each subflow, by its number in the capture."""
    connections: tuple[int, ...]
    """The page's number of each connection, by its number in the capture."""

    @property
    def packets(self) -> Packets:
        """Its TCP packets."""
        return self.analysis.capture.packets

    def stream(self, number: int) -> int | None:
        """Wireshark's ``tcp.stream`` of a subflow of the page; None: it is not in this capture."""
        return self.numbers.index(number) if number in self.numbers else None

    def data(self, way: Way) -> Sent:
        """The segments of one direction of a connection."""
        sent = self.analysis.sent
        mine = np.isin(sent.connection, self._at(way.connection)) & (sent.forward == way.forward)
        return sent.take(mine)

    @cached_property
    def octets(self) -> dict[Way, int]:
        """New data in each direction of each connection."""
        sent, found = self.analysis.sent, dict[Way, int]()
        keys, row = np.unique(2 * sent.connection + sent.forward, return_inverse=True)
        sums = np.bincount(row, weights=sent.first, minlength=len(keys))
        for key, new in zip(keys.tolist(), sums.tolist(), strict=True):
            way = Way(self.connections[key // 2], bool(key % 2))
            found[way] = found.get(way, 0) + int(new)
        return found

    def _at(self, connection: int) -> list[int]:
        return [at for at, number in enumerate(self.connections) if number == connection]


class Way(NamedTuple):
    """One direction of a connection."""

    connection: int
    forward: bool
    """Whether the connection's initiator sent."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All captures of a run."""

    seen: tuple[Seen, ...]
    subflows: tuple[Subflow, ...]
    problems: tuple[str, ...]
    """What could not be read, as sentences."""

    @cached_property
    def start(self) -> int | None:
        """When the first packet was captured, in nanoseconds since the epoch."""
        return min((int(each.packets.time.min()) for each in self.seen if len(each.packets)),
                   default=None)  # fmt: skip

    def ways(self) -> list[Way]:
        """Directions of connections that carried data, those with most of it first."""
        octets: dict[Way, int] = {}
        for each in self.seen:
            for way, new in each.octets.items():
                octets[way] = max(octets.get(way, 0), new)
        return sorted(octets, key=lambda way: (-octets[way], way))

    def sender(self, way: Way) -> Seen:
        """The capture at the host that sent; where none tells, any."""
        return self._at(way, outgoing=1)

    def receiver(self, way: Way) -> Seen:
        """The capture at the host where the data arrived; where none tells, any."""
        return self._at(way, outgoing=0)

    def _at(self, way: Way, outgoing: int) -> Seen:
        found = [each for each in self.seen if way in each.octets]
        for each in found:
            if np.median(each.packets.outgoing[each.data(way).packet]) == outgoing:
                return each
        return found[0]


def evidence(paths: Sequence[Path]) -> Evidence:
    """Read and follow captures; one that cannot be read is a problem of the page, not its end."""
    problems: list[str] = []
    analysed = [*followed(paths, problems)]
    analysed.sort(key=lambda pair: int(pair[1].capture.packets.time[:1].sum()))
    known: dict[Identity, Subflow] = {}
    connections: dict[Identity, int] = {}
    found = []
    for path, analysis in analysed:
        cast = _Cast(analysis, known, connections)
        found.append(Seen(path.stem, path, analysis, cast.numbers, cast.connections))
    return Evidence(tuple(found), tuple(known.values()), tuple(problems))


class _Cast:
    """Gives the subflows and connections of a capture the page's numbers."""

    def __init__(
        self, analysis: Analysis, known: dict[Identity, Subflow], connections: dict[Identity, int]
    ) -> None:
        self._known, self._numbers = known, connections
        self._ends = analysis.ends()
        names = _identities(analysis.capture, analysis.flows.subflow, self._ends)
        joined = analysis.subflows
        masters: dict[int, Identity] = {}
        for at, each in enumerate(joined):
            if each.connection >= 0 and (each.master or each.connection not in masters):
                masters[each.connection] = names[at]
        places = {at: self._connection(name) for at, name in sorted(masters.items())}
        self.connections = tuple(places.get(at, 0) for at in range(max(places, default=-1) + 1))
        self.numbers = tuple(
            self._subflow(names[at], self._ends[at], places.get(each.connection, 0), each)
            for at, each in enumerate(joined)
        )

    def _connection(self, name: Identity) -> int:
        return self._numbers.setdefault(name, len(self._numbers) + 1)

    def _subflow(self, name: Identity, ends: Ends, connection: int, known: Joined) -> int:
        fresh = Subflow(len(self._known) + 1, connection, ends, known.master, known.backup)
        return self._known.setdefault(name, fresh).number


def _identities(capture: Capture, subflow: Ints, ends: Sequence[Ends]) -> list[Identity]:
    """What a subflow is known by: nonce or key of its handshake; without one, its ends."""
    names: list[Identity] = [("ends", *each) for each in ends]
    options, flags = capture.options, capture.packets.flags
    for row in np.flatnonzero(options.has(Field.token)).tolist():
        at = int(subflow[options.packet[row]])
        names[at] = ("join", str(options.token[row]), str(options.nonce[row]))
    answers = flags[options.packet] & (SYN | ACK) == SYN | ACK
    for row in np.flatnonzero(answers & (options.subtype == Subtype.MP_CAPABLE)).tolist():
        names[int(subflow[options.packet[row]])] = ("capable", str(options.sender_key[row]))
    return names
