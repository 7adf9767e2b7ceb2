"""A capture file as records or segments: the one place where the wire package touches a file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from lab import files
from lab.errors import InvalidRun, UsageError
from lab.wire import capture_file, link_layer
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
    """At most so many octets of some frames were captured; 0 is no limit."""


def read(path: Path | str, *, at_least: int = 0) -> Capture:
    """Read a capture; the arguments and errors are those of `read_records`.

    Frames that are not TCP are not segments, but count in the packet numbers.
    """
    records = read_records(path, at_least=at_least)
    decoded = (
        decode(each.frame, each.interface.link_type, each.number, each.time) for each in records
    )
    limits = {each.interface.snap_length for each in records} - {0}
    return Capture(
        str(path),
        tuple(segment for segment in decoded if segment),
        len(records),
        records[0].time if records else None,
        min(limits, default=0),
    )


def read_records(path: Path | str, *, at_least: int = 0) -> tuple[capture_file.Record, ...]:
    """The records of a capture file; a last one that is only half written is left out.

    Raises UsageError if there is no such file, or it is not a capture that can be decoded;
    InvalidRun if it is empty, was altered, or has fewer than ``at_least`` records.
    """
    try:
        data = files.read(Path(path))
    except OSError as error:
        raise UsageError(f"{path}: no capture to read: {error.strerror}") from error
    records = tuple(capture_file.records(data, str(path)))
    for link_type in dict.fromkeys(record.interface.link_type for record in records):
        if link_type not in link_layer.LINK_TYPES:
            known = ", ".join(map(str, link_layer.LINK_TYPES))
            raise UsageError(f"{path}: link type {link_type} is not one of {known}")
    if len(records) < at_least:
        raise InvalidRun(
            f"{path}: {at_least} packets were recorded, {len(records)} are in the file: it was cut"
        )
    return records
