"""The pcapng file format, as Wireshark writes it (draft-ietf-opsawg-pcapng).

A file is sections of blocks, each section in a byte order of its own. Blocks of packets name their
interface by its number in the section; other kinds of block are passed over. (Wireshark also gives
packet numbers to custom blocks, 0xBAD, and to those of the systemd journal: they have none here.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lab.wire.layout import MICROSECONDS, Buffer, Interface, Layout, Stretch

MAGIC = b"\x0a\x0d\x0d\x0a"
"""The first four octets, in either byte order: the type of a section header."""

SECTION, INTERFACE, PACKET, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
"""Block types."""

BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
"""By the octets 8 to 11 of a section header."""

SMALLEST = {SECTION: 28, INTERFACE: 20, PACKET: 32, SIMPLE: 16, ENHANCED: 32}
"""Length of the block with nothing in it; 12 for any other."""

_TIME = (12, 16)
_HALVES = 1 << 32

LAYOUTS = {
    ENHANCED: Layout("I", _TIME, captured=20, wire=24, frame=28, halves=_HALVES),
    PACKET: Layout("H", _TIME, captured=20, wire=24, frame=28, halves=_HALVES),
    SIMPLE: Layout(None, None, captured=None, wire=8, frame=12),
}

END_OF_OPTIONS, IF_TSRESOL, IF_TSOFFSET = 0, 9, 14
"""Option codes."""


NOT_WHOLE = "the last block is not whole"


class Block(NamedTuple):
    """One block."""

    kind: int
    length: int
    """With everything."""


class _Broken(Exception):
    """The file cannot be read further; the text says why."""


@dataclass
class _Section:
    byte_order: str = "<"
    interfaces: list[Interface] = field(default_factory=list)


def stretches(data: Buffer, name: str, at_most: int) -> Iterator[Stretch]:
    """Yield the packets of all sections; ``name`` is the file's, for messages."""
    at, section = 0, _Section()
    try:
        while at < len(data):
            kind, length = block(data, at, section.byte_order)
            if kind == SECTION:
                section = _Section(_byte_order(data, at))
            elif kind == INTERFACE:
                section.interfaces.append(_interface(data, at, length, section.byte_order))
            elif kind in LAYOUTS:
                starts, end = _packets(data, section, at, at_most)
                yield Stretch(LAYOUTS[kind], section.byte_order, starts, section.interfaces)
                at = end
                continue
            at += length
    except _Broken as problem:
        text = f"{name}: {problem} (at byte {at} of {len(data)})"
        damaged = str(problem) != NOT_WHOLE
        yield Stretch(LAYOUTS[ENHANCED], section.byte_order, [], section.interfaces, text, damaged)


def block(data: Buffer, at: int, byte_order: str) -> Block:
    """Return type and length of the block that begins there, and lies within the file."""
    if at + 12 > len(data):
        raise _Broken(NOT_WHOLE)
    if data[at : at + 4] == MAGIC:
        byte_order = _byte_order(data, at)
    kind, length = struct.unpack_from(byte_order + "II", data, at)
    if length % 4 or length < SMALLEST.get(kind, 12):
        raise _Broken(f"a block of type {kind:#x} cannot have {length} bytes")
    if at + length > len(data):
        raise _Broken(NOT_WHOLE)
    return Block(kind, length)


def _byte_order(data: Buffer, at: int) -> str:
    magic = bytes(data[at + 8 : at + 12])
    if magic not in BYTE_ORDERS:
        raise _Broken(f"a section's byte order is unknown: {magic.hex(' ')}")
    return BYTE_ORDERS[magic]


def _interface(data: Buffer, at: int, length: int, byte_order: str) -> Interface:
    link_type, snap_length = struct.unpack_from(byte_order + "HxxI", data, at + 8)
    options = dict(_options(bytes(data[at + 16 : at + length - 4]), byte_order))
    per_second, begin = MICROSECONDS, 0
    if value := options.get(IF_TSRESOL):
        per_second = _per_second(value[0])
    if len(value := options.get(IF_TSOFFSET, b"")) == 8:
        (begin,) = struct.unpack(byte_order + "q", value)
    return Interface(link_type, snap_length, per_second, begin)


def _options(octets: bytes, byte_order: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(octets):
        code, length = struct.unpack_from(byte_order + "HH", octets, at)
        if code == END_OF_OPTIONS:
            return
        yield code, octets[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4


def _per_second(resolution: int) -> int:
    """The highest bit tells a power of two from one of ten."""
    exponent = resolution & 0x7F
    per_second: int = 2**exponent if resolution & 0x80 else 10**exponent
    if per_second >= 1 << 64:
        raise _Broken(f"an interface counts {per_second:.0e} units of time a second")
    return per_second


def _packets(data: Buffer, section: _Section, at: int, at_most: int) -> tuple[list[int], int]:
    """Return where blocks of packets of one kind begin, and where to read on."""
    kind, length = block(data, at, section.byte_order)
    layout = LAYOUTS[kind]
    if layout.captured is None:
        (captured,) = struct.unpack_from(section.byte_order + "I", data, at + layout.wire)
        limits = [each.snap_length for each in section.interfaces[:1] if each.snap_length]
        captured = min(captured, *limits) if limits else captured
    else:
        (captured,) = struct.unpack_from(section.byte_order + "I", data, at + layout.captured)
    if layout.frame + captured > length - 4:
        raise _Broken(f"a packet of {captured} bytes is in a block of {length}")
    if kind != ENHANCED:
        return [at], at + length
    return _walk(data, section.byte_order, at, at_most)


def _walk(data: Buffer, byte_order: str, at: int, at_most: int) -> tuple[list[int], int]:
    """Return where enhanced packets begin until something else comes, and where that is."""
    fields = struct.Struct(byte_order + "II12xI8x").unpack_from
    starts: list[int] = []
    size = len(data)
    last = size - SMALLEST[ENHANCED]
    while at <= last and len(starts) < at_most:
        kind, length, captured = fields(data, at)
        if kind != ENHANCED or length % 4 or not 32 + captured <= length <= size - at:
            break
        starts.append(at)
        at += length
    return starts, at
