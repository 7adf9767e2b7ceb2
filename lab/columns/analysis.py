"""A capture, and what follows from it: subflows, connections, mappings, and the way of the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from lab.columns.capture import Capture, read
from lab.columns.flows import Flows, Joined, flows
from lab.columns.mappings import Mappings, mappings
from lab.columns.octets import Ints
from lab.columns.sent import Sent, sent
from lab.columns.words import endpoint
from lab.errors import LabError


class Ends(NamedTuple):
    """The two ends of a subflow, as text."""

    initiator: str
    responder: str


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything that the series are made of. It takes some 300 bytes for each packet."""

    capture: Capture
    flows: Flows
    subflows: list[Joined]
    """What the handshakes tell, by the number of the subflow."""
    mappings: Mappings
    sent: Sent

    @classmethod
    def of(cls, capture: Capture) -> Self:
        """Follow the subflows of a whole capture: of chunks, joined ones."""
        belong, known = flows(capture.packets, capture.options)
        mapped = mappings(capture.packets, capture.options, belong)
        return cls(capture, belong, known, mapped, sent(capture.packets, belong, mapped))

    def ends(self) -> list[Ends]:
        """Return the ends of the subflows, by their numbers."""
        packets, heads = self.capture.packets, _heads(self.flows)
        found = []
        for at in heads.tolist():
            source = endpoint(packets.source[at], packets.family[at], packets.source_port[at])
            destination = endpoint(
                packets.destination[at], packets.family[at], packets.destination_port[at]
            )
            onward = self.flows.onward[at]
            found.append(Ends(source, destination) if onward else Ends(destination, source))
        return found


def followed(captures: Iterable[Path], problems: list[str]) -> Iterator[tuple[Path, Analysis]]:
    """Follow each capture; one that cannot be read, or is damaged, adds to the ``problems``."""
    for path in captures:
        try:
            capture = read(path)
        except LabError as problem:
            problems.append(str(problem))
            continue
        problems += capture.problems
        yield path, Analysis.of(capture)


def _heads(flows: Flows) -> Ints:
    """Return the first packet of each subflow."""
    return np.unique(flows.subflow, return_index=True)[1]
