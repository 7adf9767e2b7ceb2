"""Where the frames of a capture file lie: one row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.columns.chain import walk
from lab.columns.octets import Array, Ints, Octets
from lab.columns.table import Table, distinct
from lab.wire import pcap
from lab.wire.capture_file import stretches
from lab.wire.layout import NANOSECONDS, Interface, Layout, Stretch


@dataclass(frozen=True, eq=False)
class Frames(Table):
    """Captured frames."""

    number: Ints
    """1 for the first packet of the file."""
    time: Ints
    """Nanoseconds since the epoch; 0 if the file does not tell."""
    at: Ints
    """Where the frame begins in the file."""
    end: Ints
    """Where what was captured of it ends."""
    link_type: Ints
    """A LINKTYPE number; -1 if the interface is not declared in the file."""


def frames(octets: Octets, name: str, at_most: int, problems: list[str]) -> Iterator[Frames]:
    """Yield the frames of a file, in tables of some ``at_most`` rows.

    What keeps the file from being read to its end is added to ``problems``; raises as
    ``lab.wire.capture_file.stretches``.
    """
    number = 1
    waiting: list[Frames] = []
    for stretch in stretches(octets.memory, name, at_most, walk):
        if stretch.starts:
            waiting.append(_frames(octets, stretch, number))
            number += len(waiting[-1])
        problem = _altered(octets, stretch, waiting, name, number) or stretch.problem
        if problem:
            problems.append(problem)
        if sum(map(len, waiting)) >= at_most:
            yield Frames.joined(waiting)
            waiting = []
        if problem:
            break
    if waiting:
        yield Frames.joined(waiting)


def _altered(
    octets: Octets, stretch: Stretch, waiting: list[Frames], name: str, number: int
) -> str:
    """Say which record is none, if the last table ends before the stretch does."""
    if not stretch.starts or len(waiting[-1]) == len(stretch.starts):
        return ""
    start = stretch.starts[len(waiting[-1])]
    (header,) = octets.headers(np.array([start]), _header(stretch.layout, stretch.byte_order))
    captured, wire = int(header["captured"]), int(header["wire"])
    return pcap.altered(name, number, start, len(octets.data), captured, wire)


def _frames(octets: Octets, stretch: Stretch, number: int) -> Frames:
    """Read the records of a stretch, up to the first that is none."""
    layout = stretch.layout
    starts = np.asarray(stretch.starts, np.int64)
    header = octets.headers(starts, _header(layout, stretch.byte_order))
    if layout is pcap.RECORD:
        fields = (header[name] for name in ("second", "captured", "wire"))
        good = pcap.possible(stretch.interfaces[0], *fields)
        if not good.all():
            whole = int(np.argmin(good))
            starts, header = starts[:whole], header[:whole]
    known = [*stretch.interfaces, Interface(-1, 0)]
    last = np.int64(len(stretch.interfaces))
    interface = np.minimum(header["interface"], last) if layout.interface else np.zeros_like(starts)
    at = starts + layout.frame
    if layout.captured is not None:
        end = at + header["captured"]
    else:
        limit = np.array([each.snap_length or 1 << 32 for each in known])
        end = at + np.minimum(header["wire"], limit[interface])
    time = np.zeros_like(starts)
    if layout.time:
        first, second = (header[half].astype(np.uint64) for half in ("first", "second"))
        for which in distinct(interface):
            rows = interface == which
            time[rows] = _nanoseconds(first[rows], second[rows], layout.halves, known[which])
    link_type = np.array([each.link_type for each in known])[interface]
    return Frames(np.arange(number, number + len(starts)), time, at, end, link_type)


def _header(layout: Layout, byte_order: str) -> np.dtype[Any]:
    """Return the fields of a record as NumPy knows them."""
    fields = {"wire": ("u4", layout.wire)}
    if layout.captured is not None:
        fields["captured"] = ("u4", layout.captured)
    if layout.interface:
        fields["interface"] = ("u4" if layout.interface == "I" else "u2", 8)
    if layout.time:
        fields["first"], fields["second"] = (("u4", place) for place in layout.time)
    return np.dtype(
        {
            "names": list(fields),
            "formats": [byte_order + code for code, _ in fields.values()],
            "offsets": [offset for _, offset in fields.values()],
            "itemsize": layout.frame,
        }
    )


def _nanoseconds(first: Array, second: Array, halves: int | None, interface: Interface) -> Ints:
    per_second = interface.per_second
    if halves is None:
        seconds, units = first, second
    else:
        seconds, units = np.divmod(first << np.uint64(32) | second, np.uint64(per_second))
    step = 10 if per_second % 10 == 0 else 2
    while per_second > 1 << 32:  # a product with 10**9 would not fit into 64 bits
        units, per_second = units // np.uint64(step), per_second // step
    fraction = units * np.uint64(NANOSECONDS) // np.uint64(per_second)
    begin = np.array([interface.begin]) * NANOSECONDS  # an array: what overflows, wraps
    total: Ints = (seconds * np.uint64(NANOSECONDS) + fraction).astype(np.int64) + begin
    return total
