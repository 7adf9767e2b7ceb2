"""The classic pcap file format, as tcpdump writes it: bytes in, records out.

The format is draft-ietf-opsawg-pcap; Scapy's reader would do, but hands out a record that tcpdump
has not finished writing as if it were whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from lab.errors import InvalidRun, UsageError

MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}
"""Byte order and unit of the fraction of a second, by the first four octets."""

PCAPNG = b"\x0a\x0d\x0d\x0a"

LARGEST = 262_144
"""bytes of a frame in a file that names no limit of its own: MAXIMUM_SNAPLEN of libpcap"""


class FileHeader(NamedTuple):
    """What the file says of all its records."""

    byte_order: str
    """``<`` or ``>``, as in the struct module."""
    fraction: float
    """Unit of the fraction in a record's time, in seconds."""
    snap_length: int
    """At most so many octets of each frame were captured."""
    link_type: int
    """A LINKTYPE number."""


class Record(NamedTuple):
    """One captured frame."""

    number: int
    """1 for the first in the file."""
    time: float
    """Seconds since the epoch."""
    frame: bytes
    """What was captured of it."""


def file_header(data: bytes, name: str) -> FileHeader:
    """Decode the first 24 octets; ``name`` is the file's, for messages.

    Raises InvalidRun if the file ends before, UsageError if it is another format.
    """
    if data[:4] == PCAPNG:
        raise UsageError(f"{name}: a pcapng file; convert it: editcap -F pcap {name} other.pcap")
    if data[:4] not in MAGIC and len(data) >= 4:
        raise UsageError(f"{name}: not a pcap file (it begins with {data[:4].hex(' ')})")
    if len(data) < 24:
        raise InvalidRun(f"{name}: the capture ended before it began ({len(data)} of 24 bytes)")
    byte_order, fraction = MAGIC[data[:4]]
    snap_length, link_type = struct.unpack_from(byte_order + "II", data, 16)
    # The upper bits tell of the frame check sequence, not of the link type.
    return FileHeader(byte_order, fraction, snap_length, link_type & 0xFFFF)


def records(data: bytes, header: FileHeader, name: str) -> Iterator[Record]:
    """Yield the records behind the header, without the last one if it is only half written.

    Raises InvalidRun where no record begins; ``name`` is the file's, for messages.
    """
    layout = struct.Struct(header.byte_order + "IIII")
    start, number = 24, 1
    while start + layout.size <= len(data):
        seconds, fraction, captured, on_the_wire = layout.unpack_from(data, start)
        # What overwrites a file, or the hole behind a cut, is no packet of a possible length.
        possible = captured <= (header.snap_length or LARGEST) and captured <= on_the_wire > 0
        if not possible or fraction * header.fraction >= 1:
            raise InvalidRun(
                f"{name}: record {number}, at byte {start} of {len(data)}, is none: the file was "
                f"altered ({captured} bytes captured of {on_the_wire})"
            )
        start += layout.size
        if start + captured > len(data):
            return
        yield Record(number, seconds + fraction * header.fraction, data[start : start + captured])
        start += captured
        number += 1
