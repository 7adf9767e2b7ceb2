"""A copy of a capture as pcapng, with a comment at each packet that says what its options mean."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import groupby

from lab.wire import pcap, pcapng
from lab.wire.capture_file import stretches
from lab.wire.layout import NANOSECONDS, Buffer, Stretch

COMMENT = 1
"""opt_comment, the option code (draft-ietf-opsawg-pcapng, section 3.5)."""

UNKNOWN_LENGTH = b"\xff" * 8
"""Of a section, which gets longer by its comments (section 4.1)."""

LONGEST = 0xFFFC
"""What fits into an option's 16 bits of length, with padding."""


Comment = tuple[int, str]
"""The number of a packet, and a line about it."""


def annotated(
    data: Buffer, name: str, comments: Iterable[Comment], about: str = ""
) -> Iterator[bytes]:
    """Yield the octets of the copy; ``comments`` are in the order of the packets.

    ``about`` is what to say of the capture as a whole: a comment of its first section. Blocks of a
    pcapng file are copied as they are, but for the comments. Raises as
    ``lab.wire.capture_file.stretches``.
    """
    lines = _Lines(comments)
    if bytes(data[:4]) == pcapng.MAGIC:
        return _blocks(data, name, lines, about)
    return _records(data, name, lines, about)


class _Lines:
    """Comments by packet number, of which each is asked for once, in their order."""

    def __init__(self, comments: Iterable[Comment]) -> None:
        self._groups = groupby(comments, key=lambda comment: comment[0])
        self._advance()

    def of(self, number: int) -> str:
        """Return the lines about a packet; empty if there are none."""
        if number != self._number:
            return ""
        text = self._text
        self._advance()
        return text

    def _advance(self) -> None:
        number, lines = next(self._groups, (0, iter(())))
        self._number: int = number
        self._text = "\n".join(line for _, line in lines)


def _records(data: Buffer, name: str, lines: _Lines, about: str) -> Iterator[bytes]:
    """Turn the records of a classic file into blocks."""
    number = 0
    for stretch in stretches(data, name):
        if not number:
            yield _beginning(stretch, about)
        fields = struct.Struct(stretch.byte_order + "IIII").unpack_from
        for start in stretch.starts:
            number += 1
            seconds, fraction, captured, wire = fields(data, start)
            units = seconds * stretch.interfaces[0].per_second + fraction
            at = start + pcap.RECORD.frame
            frame = bytes(data[at : at + captured])
            head = struct.pack(
                stretch.byte_order + "IIIII", 0, units >> 32, units & 0xFFFFFFFF, captured, wire
            )
            options = _options(stretch.byte_order, lines.of(number))
            body = head + frame + bytes(-captured % 4) + options
            yield _block(stretch.byte_order, pcapng.ENHANCED, body)


def _beginning(stretch: Stretch, about: str) -> bytes:
    order, (interface, *_) = stretch.byte_order, stretch.interfaces
    resolution = 9 if interface.per_second == NANOSECONDS else 6
    section = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + _options(order, about)
    declared = struct.pack(order + "HHI", interface.link_type, 0, interface.snap_length)
    declared += struct.pack(order + "HHBxxxHH", pcapng.IF_TSRESOL, 1, resolution, 0, 0)
    return _block(order, pcapng.SECTION, section) + _block(order, pcapng.INTERFACE, declared)


def _blocks(data: Buffer, name: str, lines: _Lines, about: str) -> Iterator[bytes]:
    """Copy the blocks of a pcapng file, with comments."""
    number = copied = 0
    for stretch in stretches(data, name):
        order = stretch.byte_order
        if not copied:
            yield _first_section(data, about)
            copied = pcapng.block(data, 0, order).length
        if stretch.starts:  # a section can only begin before the first of them
            yield from _of_unknown_length(data, copied, stretch.starts[0], order)
            copied = stretch.starts[0]
        for start in stretch.starts:
            number += 1
            comment = lines.of(number)
            if comment and stretch.layout in WITH_OPTIONS:
                yield bytes(data[copied:start])
                length = pcapng.block(data, start, order).length
                yield _commented(bytes(data[start : start + length]), order, comment)
                copied = start + length
    yield bytes(data[copied:])


WITH_OPTIONS = (pcapng.LAYOUTS[pcapng.ENHANCED], pcapng.LAYOUTS[pcapng.PACKET])
"""Blocks of packets that have room for a comment; a simple one has none."""


def _first_section(data: Buffer, about: str) -> bytes:
    block, order = _section(data, 0)
    return _with_comment(block, order, 24, about) if about else block


def _section(data: Buffer, at: int) -> tuple[bytes, str]:
    """Return a section header whose section is of unknown length, and its byte order."""
    order = pcapng.BYTE_ORDERS[bytes(data[at + 8 : at + 12])]
    length = pcapng.block(data, at, order).length
    return bytes(data[at : at + 16]) + UNKNOWN_LENGTH + bytes(data[at + 24 : at + length]), order


def _of_unknown_length(data: Buffer, at: int, end: int, order: str) -> Iterator[bytes]:
    """Copy what lies between packets; the sections that begin there get longer by comments."""
    while at < end:
        kind, length = pcapng.block(data, at, order)
        yield _section(data, at)[0] if kind == pcapng.SECTION else bytes(data[at : at + length])
        at += length


def _commented(block: bytes, order: str, comment: str) -> bytes:
    """Put a comment before the options that a block with a packet has."""
    (captured,) = struct.unpack_from(order + "I", block, 20)
    return _with_comment(block, order, 28 + captured + -captured % 4, comment)


def _with_comment(block: bytes, order: str, end: int, comment: str) -> bytes:
    """Put a comment before the options of a block, which begin at ``end``."""
    (kind,) = struct.unpack_from(order + "I", block)
    options = block[end:-4] or struct.pack(order + "HH", pcapng.END_OF_OPTIONS, 0)
    return _block(order, kind, block[8:end] + _option(order, comment) + options)


def _options(order: str, comment: str) -> bytes:
    if not comment:
        return b""
    return _option(order, comment) + struct.pack(order + "HH", pcapng.END_OF_OPTIONS, 0)


def _option(order: str, comment: str) -> bytes:
    text = comment.encode()[:LONGEST].decode(errors="ignore").encode()
    return struct.pack(order + "HH", COMMENT, len(text)) + text + bytes(-len(text) % 4)


def _block(order: str, kind: int, body: bytes) -> bytes:
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length
