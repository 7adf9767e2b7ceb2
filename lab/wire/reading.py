"""A capture file as segments: the one place where the wire package touches a file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from lab.errors import UsageError
from lab.wire import link_layer, pcap
from lab.wire.segment import Segment, decode


class Capture(NamedTuple):
    """The TCP segments of one file, in its order."""

    name: str
    """The file's, for messages."""
    segments: tuple[Segment, ...]
    frames: int
    """How many records the file has, TCP or not."""
    zero: float | None
    """The time of the first record, in seconds since the epoch."""
    snap_length: int
    """At most so many octets of each frame were captured; 0 is no limit."""


def read(path: Path | str) -> Capture:
    """Read a capture.

    A last record that is only half written is left out; frames that are not TCP are not segments,
    but count in the packet numbers.

    Raises UsageError if there is no such file, or it is not a capture that can be decoded;
    InvalidRun if it is empty.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: no capture to read: {error.strerror}") from error
    header = pcap.file_header(data, str(path))
    if header.link_type not in link_layer.LINK_TYPES:
        known = ", ".join(map(str, link_layer.LINK_TYPES))
        raise UsageError(f"{path}: link type {header.link_type} is not one of {known}")
    records = tuple(pcap.records(data, header))
    decoded = (decode(each.frame, header.link_type, each.number, each.time) for each in records)
    return Capture(
        str(path),
        tuple(segment for segment in decoded if segment),
        len(records),
        records[0].time if records else None,
        header.snap_length,
    )
