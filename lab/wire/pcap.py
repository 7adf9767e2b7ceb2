"""The classic pcap file format, as tcpdump writes it (draft-ietf-opsawg-pcap)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from typing import Any, TypeAlias, TypeVar

from lab.errors import InvalidRun
from lab.wire.layout import MICROSECONDS, NANOSECONDS, Buffer, Interface, Layout, Stretch

MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", MICROSECONDS),
    b"\xa1\xb2\xc3\xd4": (">", MICROSECONDS),
    b"\x4d\x3c\xb2\xa1": ("<", NANOSECONDS),
    b"\xa1\xb2\x3c\x4d": (">", NANOSECONDS),
}
"""Byte order and units of time in a second, by the first four octets."""

HEADER = 24
"""Length of the file's header in octets."""

LARGEST = 262_144
"""Octets that a frame may have, whatever limit the file names: MAXIMUM_SNAPLEN of libpcap."""

CAPTURED = 8
"""Where a record tells how many octets of its frame are there."""

RECORD = Layout(interface=None, time=(0, 4), captured=CAPTURED, wire=12, frame=16)

Walk: TypeAlias = Callable[[Buffer, str, int, int], tuple[Sequence[int], int]]
"""As ``one_by_one``."""


def stretches(data: Buffer, name: str, at_most: int, walk: Walk) -> Iterator[Stretch]:
    """Yield the records behind the header; ``name`` is the file's, for messages.

    A last record that is only half written is a problem, not a record. ``walk`` is
    ``one_by_one``, or a faster one.

    :raises InvalidRun: the file ends within its header.
    """
    byte_order, interface = _file_header(data, name)
    at, number = HEADER, 1
    while True:
        starts, at = walk(data, byte_order, at, at_most)
        number += len(starts)
        if len(starts) == at_most or at == len(data):
            yield Stretch(RECORD, byte_order, starts, (interface,))
        else:
            damage = _damage(data, name, byte_order, interface, number, at)
            cut = f"{name}: packet {number} is not whole (at byte {at} of {len(data)})"
            yield Stretch(RECORD, byte_order, starts, (interface,), damage or cut, bool(damage))
        if len(starts) < at_most:
            return


def _file_header(data: Buffer, name: str) -> tuple[str, Interface]:
    if len(data) < HEADER:
        raise InvalidRun(f"{name}: the capture ended before it began ({len(data)} of 24 bytes)")
    byte_order, per_second = MAGIC[bytes(data[:4])]
    snap_length, link_type = struct.unpack_from(byte_order + "II", data, 16)
    # The upper bits tell of the frame check sequence, not of the link type.
    return byte_order, Interface(link_type & 0xFFFF, snap_length, per_second)


def _damage(
    data: Buffer, name: str, byte_order: str, interface: Interface, number: int, at: int
) -> str:
    """Say that what follows is no record; empty if it is the beginning of one."""
    if at + RECORD.frame > len(data):
        return ""
    _, fraction, captured, wire = struct.unpack_from(byte_order + "IIII", data, at)
    if possible(interface, fraction, captured, wire):
        return ""
    return altered(name, number, at, len(data), captured, wire)


def one_by_one(data: Buffer, byte_order: str, at: int, at_most: int) -> tuple[list[int], int]:
    """Return where records begin, at most so many, and where the next one would.

    Only a record tells where the next one is, and there may be millions: so the loop does as little
    as it can, and the end is mended behind it.
    """
    captured = struct.Struct(byte_order + "8xI4x").unpack_from
    starts, frame = [at], RECORD.frame
    append = starts.append
    with suppress(struct.error):  # the next record's header is not whole
        for _ in repeat(None, at_most):
            at += frame + captured(data, at)[0]
            append(at)
    following = starts.pop()
    if following > len(data):  # what is not whole is the last record's frame
        following = starts.pop()
    return starts, following


Value = TypeVar("Value", int, Any)
"""A number; or an array of them, for many records at once."""


def possible(interface: Interface, fraction: Value, captured: Value, wire: Value) -> Value:
    """Tell what may be a record from what overwrote it, or the hole behind a cut."""
    limit = max(interface.snap_length, LARGEST)
    return (captured <= limit) & (captured <= wire) & (wire > 0) & (fraction < interface.per_second)


def altered(name: str, number: int, at: int, size: int, captured: int, wire: int) -> str:
    """Return what to say of a record that is none."""
    return (
        f"{name}: record {number}, at byte {at} of {size}, is none: the file was altered "
        f"({captured} bytes captured of {wire})"
    )
