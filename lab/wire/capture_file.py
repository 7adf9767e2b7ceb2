"""Capture files of either format: octets in, records out."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from lab.errors import InvalidRun, UsageError
from lab.wire import pcap, pcapng
from lab.wire.layout import AT_ONCE, Buffer, Interface, Stretch


class Record(NamedTuple):
    """One captured frame."""

    number: int
    """1 for the first in the file, as in Wireshark."""
    time: float
    """Seconds since the epoch; 0 if the file does not tell."""
    frame: bytes
    """What was captured of it."""
    interface: Interface
    """Where it was captured."""


def stretches(
    data: Buffer, name: str, at_most: int = AT_ONCE, walk: pcap.Walk = pcap.one_by_one
) -> Iterator[Stretch]:
    """Yield where the records of a file lie, in stretches of at most so many.

    ``name`` is the file's, for messages. Half a record at the end, and whatever cannot be read
    further, is the last stretch's ``problem``. ``walk`` finds the records of a classic file.

    :raises UsageError: the file is of another format.
    :raises InvalidRun: it ends within its header.
    """
    magic = bytes(data[:4])
    if magic == pcapng.MAGIC:
        return pcapng.stretches(data, name, at_most)
    if magic not in pcap.MAGIC and len(data) >= 4:
        raise UsageError(f"{name}: not a pcap or pcapng file (it begins with {magic.hex(' ')})")
    return pcap.stretches(data, name, at_most, walk)


def records(data: Buffer, name: str) -> Iterator[Record]:
    """Yield the whole records of a file; raises as ``stretches`` does.

    Half a record at the end is left out.

    :raises InvalidRun: the file is damaged otherwise.
    """
    number = 0
    for stretch in stretches(data, name):
        for start in stretch.starts:
            number += 1
            if record := _record(data, name, stretch, start, number):
                yield record
        if stretch.damaged:
            raise InvalidRun(stretch.problem)


def _record(data: Buffer, name: str, stretch: Stretch, start: int, number: int) -> Record | None:
    """Read one record; None if its interface is not declared."""

    def field(code: str, offset: int) -> int:
        value: int = struct.unpack_from(stretch.byte_order + code, data, start + offset)[0]
        return value

    layout = stretch.layout
    if layout is pcap.RECORD:
        _check_possible(data, name, stretch, start, number)
    known = field(layout.interface, 8) if layout.interface else 0
    if known >= len(stretch.interfaces):
        return None
    interface = stretch.interfaces[known]
    time = 0.0
    if layout.time:
        first, second = (field("I", offset) for offset in layout.time)
        units = first * (layout.halves or interface.per_second) + second
        time = interface.begin + units / interface.per_second
    if layout.captured is not None:
        captured = field("I", layout.captured)
    else:
        captured = min(field("I", layout.wire), interface.snap_length or 1 << 32)
    at = start + layout.frame
    return Record(number, time, bytes(data[at : at + captured]), interface)


def _check_possible(data: Buffer, name: str, stretch: Stretch, start: int, number: int) -> None:
    _, fraction, captured, wire = struct.unpack_from(stretch.byte_order + "IIII", data, start)
    if not pcap.possible(stretch.interfaces[0], fraction, captured, wire):
        raise InvalidRun(pcap.altered(name, number, start, len(data), captured, wire))
