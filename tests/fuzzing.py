"""Captures made wrong by a seeded mutator, and everything that reads them.

``mutants`` never ends; the same seed gives the same files. ``examine`` is what must hold of any
octets: a result or a typed error, the same packets from both readers, and no other exception.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from capture_files import BIG, LITTLE, enhanced, interface, option, pcap_file, section
from mixed_corpus import ONE_EACH, packets
from scapy.config import conf
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from lab.columns.analysis import Analysis
from lab.columns.capture import Capture as Columns
from lab.columns.capture import decoded
from lab.columns.comments import comments
from lab.columns.series import SECOND, handovers, series
from lab.errors import LabError
from lab.verify import Verdict, remarks, verify
from lab.wire.capture_file import Record, records
from lab.wire.link_layer import LINK_TYPES, network
from lab.wire.mptcp import MptcpOption, values
from lab.wire.reading import Capture
from lab.wire.segment import Segment, decode

DATA = Path(__file__).parent / "data"
COOKED = bytes.fromhex("0800 0000 00000002 0001 04 06 0200000000010000")
EDGES = (0, 1, 2, 3, 4, 5, 6, 0x1E, 0x7F, 0x80, 0xFE, 0xFF)


def corpus() -> list[bytes]:
    """Files of the kernel's connections, and of every form of every option, in each format."""
    recorded = [path.read_bytes() for path in sorted(DATA.rglob("*.pcap"))]
    forms = packets()
    cooked = [COOKED + packet if packet[0] >> 4 == 4 else packet for packet in forms[:60]]
    both = [
        section(order)
        + interface(order, 101, 0, {9: b"\x09"})
        + interface(order, 276, 96)
        + b"".join(enhanced(order, n % 2, n << 30, each) for n, each in enumerate(cooked))
        for order in (LITTLE, BIG)
    ]
    return [*recorded, pcap_file(forms, link_type=101, snap_length=0), *both]


def mutants(seed: int) -> Iterator[bytes]:
    """Yield changed files of the corpus."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    files = corpus()
    while True:
        data = chance.choice(files)
        yield _octets(data, chance) if chance.random() < 0.5 else _frames(data, chance)


def _octets(data: bytes, chance: random.Random) -> bytes:
    """Change a file anywhere."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8, 30))):
        chance.choice(CHANGES)(changed, chance)
    return bytes(changed)


def _frames(data: bytes, chance: random.Random) -> bytes:
    """Change, cut, lose, repeat and reorder the frames of a file that stays whole, or a few."""
    found = list(records(data, "corpus"))
    start, few = chance.choice(((0, len(found)), (chance.randrange(len(found) // 2), 8)))
    frames = [bytearray(record.frame) for record in found[start : start + few]]
    for _ in range(chance.choice((1, 2, 5, 20))):
        at = chance.randrange(len(frames))
        what = chance.randrange(8)
        if what == 0 and len(frames) > 5:
            del frames[at]
        elif what == 1:
            frames.insert(chance.randrange(len(frames)), frames[at])
        elif what == 2:
            frames[at] = frames[at][: chance.randrange(len(frames[at]) + 1)]
        elif what == 3:
            _last_option(frames[at], chance)
        elif frames[at]:
            chance.choice(CHANGES)(frames[at], chance)
    link_type = found[0].interface.link_type
    return pcap_file([frame[:1400] for frame in frames], link_type=link_type)


Change = Callable[[bytearray, random.Random], None]


def _flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _edge(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.choice(EDGES)


def _in_an_option(data: bytearray, chance: random.Random) -> None:
    """Change an octet behind a 30, which most often is an option's kind."""
    at = data.find(b"\x1e", chance.randrange(len(data)))
    if 0 <= at < len(data) - 8:
        data[at + chance.randrange(1, 8)] = chance.choice((*EDGES, chance.randrange(256)))


def _number(data: bytearray, chance: random.Random) -> None:
    """Put a number of 16, 32 or 64 bits that is just beyond what fits somewhere."""
    code, bits = chance.choice((("H", 16), ("I", 32), ("Q", 64)))
    at = chance.randrange(max(1, len(data) - 8))
    number = chance.choice((0, 1, 2**bits - 1, 2 ** (bits - 1), chance.randrange(2**bits)))
    data[at : at + bits // 8] = struct.pack(chance.choice("<>") + code, number)


def _cut(data: bytearray, chance: random.Random) -> None:
    if len(data) > 200:
        del data[chance.randrange(100, len(data)) :]


def _shift(data: bytearray, chance: random.Random) -> None:
    """Take out some octets, or put some in."""
    at = chance.randrange(len(data))
    if chance.random() < 0.5 and len(data) > 200:
        del data[at : at + chance.randrange(1, 9)]
    else:
        data[at:at] = chance.randbytes(chance.randrange(1, 9))


def _splice(data: bytearray, chance: random.Random) -> None:
    """Copy a stretch to another place."""
    length = chance.randrange(1, 120)
    start, at = chance.randrange(len(data)), chance.randrange(len(data))
    piece = data[start : start + length]
    data[at : at + len(piece)] = piece


def _made_up(data: bytearray, chance: random.Random) -> None:
    """Put an option there: a form of some subtype with any content, or with a wrong length."""
    _, value = chance.choice(ONE_EACH)
    octets = bytearray(bytes.fromhex(value))
    for _ in range(chance.randrange(4)):
        octets[chance.randrange(len(octets))] = chance.randrange(256)
    made = option(bytes(octets[: chance.randrange(1, 40)]))
    at = data.find(b"\x1e", chance.randrange(len(data)))
    if at >= 0:
        data[at : at + len(made)] = made


def _last_option(frame: bytearray, chance: random.Random) -> None:
    """Let the options end with the beginning of an option, where none has room."""
    at = frame.rfind(b"\x1e")
    if at >= 0:
        end = at + frame[at + 1] if at + 1 < len(frame) else len(frame)
        beginning = bytes([0x1E, chance.choice(EDGES)])[: chance.randrange(1, 3)]
        frame[end - len(beginning) : end] = beginning


CHANGES: tuple[Change, ...] = (
    _flip, _edge, _in_an_option, _in_an_option, _number, _cut, _shift, _splice, _made_up, _made_up,
)  # fmt: skip


# What must hold


def examine(data: bytes) -> int:
    """Let everything read a file, and return how many packets it had; LabError is an answer."""
    found, damaged = _records(data)
    segments = [segment for segment in map(_segment, found) if segment]
    _columns(data, segments, damaged)
    for record in found:
        _dissect(record)
    for segment in segments:
        _layers(segment)
    report = verify([Capture("fuzzed", tuple(segments), len(found), 0.0, 0)])
    assert str(report)
    assert report.as_dict()
    assert remarks(report, "fuzzed").capture
    if report.verdict is Verdict.VERIFIED:
        assert report.connections
        assert all(sum(connection.checked.values()) for connection in report.connections)
    return len(found)


def _records(data: bytes) -> tuple[list[Record], bool]:
    """What can be read before the file is damaged, and whether it is."""
    found: list[Record] = []
    try:
        found.extend(records(data, "fuzzed"))
    except LabError as problem:
        assert str(problem).startswith("fuzzed: ")  # noqa: PT017 - not all are refused
        return found, True
    return found, False


def _segment(record: Record) -> Segment | None:
    if record.interface.link_type not in LINK_TYPES:
        return None
    return decode(record.frame, record.interface.link_type, record.number, record.time)


def _columns(data: bytes, segments: list[Segment], damaged: bool) -> None:
    """The columns have the same packets, and figures that add up."""
    try:
        parts = list(decoded(np.frombuffer(data, np.uint8), "fuzzed", 50))
    except LabError:
        assert damaged
        return
    capture = Columns.joined(parts)
    assert capture.packets.number.tolist() == [segment.number for segment in segments]
    assert capture.packets.seq.tolist() == [segment.seq for segment in segments]
    assert capture.packets.payload.tolist() == [segment.payload for segment in segments]
    assert len(capture.options) == sum(len(values(segment.options)) for segment in segments)
    assert len(list(comments(parts))) == len(capture.options)
    sent = Analysis.of(capture).sent
    total = sent.first + sent.reinjected + sent.retransmitted + sent.unmapped
    assert np.array_equal(total, sent.payload)
    assert series(sent, SECOND).payload.sum() == sent.payload.sum()
    assert len(handovers(sent)) <= len(sent)


def _dissect(record: Record) -> None:
    """Scapy shows the packet."""
    if record.interface.link_type not in LINK_TYPES:
        return
    try:
        link = network(record.frame, record.interface.link_type)
    except (struct.error, IndexError):
        return
    octets = record.frame[link.offset : link.offset + 1500]
    if len(octets) < 40:
        return
    assert (IPv6(octets) if octets[0] >> 4 == 6 else IP(octets)).summary()


def _layers(segment: Segment) -> None:
    """Scapy finds the same options in the header, without an error that it hides, and builds them.

    Dissecting a packet, Scapy turns an error into a payload of octets: so the header is given to it
    alone, with its errors shown.
    """
    options = segment.options
    if segment.options_cut:
        return
    header = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, (20 + len(options)) << 2, 16, 5, 0, 0)
    hidden, conf.debug_dissector = conf.debug_dissector, True
    try:
        found = [value for _, value in TCP(header + options).options]
    finally:
        conf.debug_dissector = hidden
    layers = [value for value in found if isinstance(value, MptcpOption)]
    assert [bytes(layer) for layer in layers] == values(options)
    for value in values(options):
        layer = MptcpOption(value)
        assert repr(layer)
        layer.clear_cache()  # or the octets that it was dissected from would be given back
        assert bytes(layer) == value
