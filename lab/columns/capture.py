"""Capture files as columns: all at once, or in chunks of those that are larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from lab.columns.decode import decode
from lab.columns.frames import Frames, frames
from lab.columns.link import KINDS
from lab.columns.mptcp import Options
from lab.columns.octets import Array, Octets
from lab.columns.option_walk import options
from lab.columns.packets import Packets, packets
from lab.columns.table import Growing, distinct
from lab.errors import UsageError
from lab.wire.layout import AT_ONCE

SMALLEST = 16 + 20 + 20
"""Octets that a packet with a TCP header takes in a file, at the least."""


@dataclass(frozen=True, eq=False)
class Capture:
    """The TCP packets of a capture file, or of a chunk of it, and their MPTCP options."""

    packets: Packets
    options: Options
    """``packet`` is the row in ``packets``."""
    frames: int
    """How many frames there were, with those that are not TCP."""
    problems: tuple[str, ...] = ()
    """What could not be read, as sentences."""

    @classmethod
    def joined(cls, parts: Iterable[Self], room: int = 0) -> Self:
        """Return one capture of its chunks, of which there is at least one.

        ``room`` is how many packets there may be; it saves time if it is not too few.
        """
        packets, options = Growing(Packets, room), Growing(Options, room)
        start = frames = 0
        problems: tuple[str, ...] = ()
        for part in parts:
            packets.append(part.packets)
            options.append(replace(part.options, packet=part.options.packet + start))
            start, frames = start + len(part.packets), frames + part.frames
            problems += part.problems
        return cls(packets.table(), options.table(), frames, problems)


def read(path: Path | str) -> Capture:
    """Decode a whole capture file.

    :raises UsageError: there is no such file, or it is of another format.
    :raises InvalidRun: it ends within its header.
    """
    data = mapped(Path(path))
    return Capture.joined(decoded(data, str(path)), len(data) // SMALLEST)


def chunks(path: Path | str, at_most: int = AT_ONCE) -> Iterator[Capture]:
    """Decode a capture file in chunks of some ``at_most`` frames; there is at least one.

    The file is mapped into memory, not read: of a larger one only parts are there at a time.
    Joined, the chunks are what ``read`` returns. Raises as that does.
    """
    return decoded(mapped(Path(path)), str(path), at_most)


def decoded(data: Array, name: str, at_most: int = AT_ONCE) -> Iterator[Capture]:
    """Decode the octets of a capture file; ``name`` is for messages."""
    octets, problems = Octets(data), list[str]()
    unknown = 0
    waiting: Capture | None = None
    for table in frames(octets, name, at_most, problems):
        if waiting:
            yield waiting
        waiting = _chunk(octets, table)
        for link_type in set(distinct(table.link_type)).difference(KINDS):
            unknown += int(np.sum(table.link_type == link_type))
    if unknown:
        known = ", ".join(map(str, KINDS))
        problems.append(f"{name}: {unknown} frames have a link type that is not one of {known}")
    last = waiting or _chunk(octets, Frames(*[np.zeros(0, np.int64)] * len(Frames.names())))
    yield replace(last, problems=tuple(problems))


def _chunk(octets: Octets, table: Frames) -> Capture:
    segments, places = packets(octets, table)
    found = options(octets, places)
    return Capture(segments, decode(octets, found, segments.number), len(table))


def mapped(path: Path) -> Array:
    """Return the octets of a file, mapped into memory; raises UsageError as ``read`` does."""
    try:
        if path.stat().st_size == 0:
            return np.zeros(0, np.uint8)
        return np.asarray(np.memmap(path, np.uint8, "r"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path}: no capture to read: {reason}") from error
