"""Columns say the same as the reader of single packets, of whatever octets; so do chunks."""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from capture_files import (
    BIG,
    LITTLE,
    enhanced,
    interface,
    option,
    pcap_file,
    section,
    simple,
    tcp_packet,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from large_capture import write
from mixed_corpus import ONE_EACH, packets

from lab import columns
from lab.columns.capture import Capture, decoded
from lab.columns.forms import FORMS
from lab.columns.mptcp import Field, Subtype
from lab.errors import InvalidRun, LabError, UsageError
from lab.wire import mptcp
from lab.wire.capture_file import records, stretches
from lab.wire.link_layer import LINK_TYPES
from lab.wire.segment import Segment, decode

DATA = Path(__file__).parent / "data"
PACKETS = packets()
CAPTURE = pcap_file(PACKETS, link_type=101, snap_length=0)


def by_columns(data: bytes, at_most: int = 1 << 16) -> Capture:
    return Capture.joined(list(decoded(np.frombuffer(data, np.uint8), "x", at_most)))


def one_by_one(data: bytes) -> Iterator[Segment]:
    for each in records(data, "x"):
        if each.interface.link_type in LINK_TYPES:
            segment = decode(each.frame, each.interface.link_type, each.number, each.time)
            if segment:
                yield segment


def host(halves: np.ndarray, family: int) -> str:  # type: ignore[type-arg]
    octets = b"".join(int(each).to_bytes(8, "big") for each in halves)
    return str(ipaddress.ip_address(octets[-4:] if family == 4 else octets))


def assert_equal(capture: Capture, segments: Iterable[Segment]) -> None:
    segments = list(segments)
    p = capture.packets
    assert [
        (
            int(p.number[at]),
            (host(p.source[at], p.family[at]), int(p.source_port[at])),
            (host(p.destination[at], p.family[at]), int(p.destination_port[at])),
            (int(p.seq[at]), int(p.ack[at]), int(p.flags[at]) & 0xFF, int(p.window[at])),
            int(p.payload[at]),
            {1: True, 0: False, -1: None}[int(p.outgoing[at])],
            None if p.interface[at] == -1 else int(p.interface[at]),
        )
        for at in range(len(p))
    ] == [
        (
            s.number,
            (str(ipaddress.ip_address(s.source.host)), s.source.port),
            (str(ipaddress.ip_address(s.destination.host)), s.destination.port),
            (s.seq, s.ack, int(s.flags), s.window),
            s.payload,
            s.outgoing,
            s.interface,
        )
        for s in segments
    ]
    values = [(s.number, value) for s in segments for value in mptcp.values(s.options)]
    o = capture.options
    assert o.number.tolist() == [number for number, _ in values]
    assert np.array_equal(p.number[o.packet], o.number)
    assert o.length.tolist() == [2 + len(value) for _, value in values]
    assert o.subtype.tolist() == [value[0] >> 4 for _, value in values]


def test_mixed_corpus() -> None:
    capture = by_columns(CAPTURE)

    assert len(capture.options) > len(PACKETS) * 0.9
    assert_equal(capture, one_by_one(CAPTURE))


@pytest.mark.parametrize("path", sorted(DATA.glob("*.pcap")), ids=lambda path: path.stem)
def test_captures_of_the_kernel(path: Path) -> None:
    data = path.read_bytes()
    capture = columns.read(path)

    assert_equal(capture, one_by_one(data))
    times = [record.time for record in records(data, "x")]
    assert np.allclose(capture.packets.time / 1e9, [times[n - 1] for n in capture.packets.number])


@pytest.mark.parametrize("at_most", [1, 7, 100, 1 << 16])
def test_chunks_joined_are_the_whole(at_most: int) -> None:
    parts = list(decoded(np.frombuffer(CAPTURE, np.uint8), "x", at_most))
    whole, joined = by_columns(CAPTURE), Capture.joined(parts)

    assert len(parts) == -(-len(PACKETS) // at_most)
    assert all(part.frames <= at_most for part in parts)
    assert joined.frames == whole.frames
    for one, other in ((joined.packets, whole.packets), (joined.options, whole.options)):
        for (name, column), (_, expected) in zip(one.columns(), other.columns(), strict=True):
            assert np.array_equal(column, expected), name


LITTLE_MEMORY = """
import re, resource, sys
from pathlib import Path
from lab import columns

large, small, way = sys.argv[1:]
columns.read(small)  # what is needed once
used = 1024 * int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
limit = used + Path(large).stat().st_size // 2
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
parts = columns.chunks(large, 1000) if way == "chunks" else [columns.read(large)]
lengths = [(len(part.packets), len(part.options)) for part in parts]
print(*map(sum, zip(*lengths)))
"""


def test_chunks_need_less_memory_than_the_file_has_octets(tmp_path: Path) -> None:
    """A limit of half the file, above what the program takes without it; the whole needs more."""
    large, small = tmp_path / "large.pcap", tmp_path / "small.pcap"
    write(large, 60_000, connections=20)
    write(small, 2000, connections=20)
    done = {}
    for way in ("chunks", "whole"):
        done[way] = subprocess.run(
            [sys.executable, "-c", LITTLE_MEMORY, large, small, way],
            capture_output=True, text=True, check=False,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip

    whole = columns.read(large)
    assert done["chunks"].stdout.split() == [str(len(whole.packets)), str(len(whole.options))]
    assert done["whole"].returncode != 0
    assert "MemoryError" in done["whole"].stderr


def test_a_half_written_packet_is_a_problem_not_a_row() -> None:
    capture = by_columns(CAPTURE[:-1])

    assert capture.frames == len(PACKETS) - 1
    assert capture.problems == (
        f"x: packet {len(PACKETS)} is not whole (at byte "
        f"{len(CAPTURE) - len(PACKETS[-1]) - 16} of {len(CAPTURE) - 1})",
    )


def test_an_unknown_link_type_is_a_problem() -> None:
    capture = by_columns(pcap_file(PACKETS[:3], link_type=105))

    assert (len(capture.packets), capture.frames) == (0, 3)
    assert capture.problems == (
        "x: 3 frames have a link type that is not one of 1, 12, 101, 113, 276",
    )


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", InvalidRun, r"ended before it began \(0 of 24 bytes\)"),
        (CAPTURE[:23], InvalidRun, r"ended before it began \(23 of 24 bytes\)"),
        (b"#!/bin/sh\n", UsageError, "not a pcap or pcapng file"),
    ],
)
def test_what_is_no_capture(
    tmp_path: Path, data: bytes, error: type[LabError], message: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)

    with pytest.raises(error, match=message):
        columns.read(file)


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pcap", tmp_path):
        with pytest.raises(UsageError, match=f"{path}: no capture to read: "):
            columns.read(path)


def test_an_empty_capture() -> None:
    capture = by_columns(CAPTURE[:24])

    assert (len(capture.packets), len(capture.options), capture.frames) == (0, 0, 0)


# Whatever octets


def changed(data: bytes, draw: st.DataObject, changes: int) -> bytes:
    octets = bytearray(data)
    for _ in range(draw.draw(st.integers(0, changes))):
        octets[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    return bytes(octets[: draw.draw(st.integers(0, len(data)))])


ETHERNET = bytes.fromhex("020000000001 020000000002")
HEADERS = {
    1: ETHERNET + b"\x08\x00",
    12: b"",
    101: b"",
    113: bytes.fromhex("00040001000602000000000100 00 86dd"),
    276: bytes.fromhex("8100 0000 00000002 0001 04 06 0200000000010000 0064 0800"),
}
MESSY = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)


@MESSY
@given(st.sampled_from(sorted(LINK_TYPES)), st.data())
def test_changed_and_cut_frames(link_type: int, data: st.DataObject) -> None:
    frames = [
        changed(HEADERS[link_type] + data.draw(st.sampled_from(PACKETS)), data, 8)
        for _ in range(data.draw(st.integers(1, 20)))
    ]
    file = pcap_file(frames, link_type=link_type)

    assert_equal(by_columns(file), one_by_one(file))


@MESSY
@given(st.lists(st.binary(max_size=120), max_size=20), st.sampled_from([*LINK_TYPES, 105]))
def test_garbage_in_frames(frames: list[bytes], link_type: int) -> None:
    file = pcap_file(frames, link_type=link_type)

    assert_equal(by_columns(file), one_by_one(file))


@MESSY
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40))
def test_garbage_in_options(options: list[bytes]) -> None:
    """Lengths of 0 and 1, beyond the header, and anything else."""
    frames = [
        PACKETS[0][:20] + PACKETS[0][20:32] + bytes([(5 + -(-len(o) // 4)) << 4]) + bytes(7)
        + o + bytes(-len(o) % 4 + 60)
        for o in options
    ]  # fmt: skip
    file = pcap_file([f[:2] + b"\x00\x78" + f[4:] for f in frames], link_type=101)

    assert_equal(by_columns(file), one_by_one(file))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("1e005100", 0),
        ("1e015100", 0),
        ("1e025100", 0),
        ("1e055100", 0),
        ("1eff5100", 0),
        ("0101011e", 0),
        ("1e045107" + "1e055107", 1),
        ("1e045107" * 10, 10),
        ("0101080a" + "1e045107" * 2 + "1e045107" + "01010101", 1),
        ("0101080a" + "1e045107", 0),
    ],
)
def test_lengths_that_cannot_be(options: str, found: int) -> None:
    packet = tcp_packet(bytes.fromhex(options), b"\x00\x00\x00\x00")
    file = pcap_file([packet, packet[:-5]], link_type=101)

    assert by_columns(file).options.number.tolist() == [1] * found + [2] * (found - (found > 1))
    assert_equal(by_columns(file), one_by_one(file))


def pcapng(order: str) -> bytes:
    packets_of = [
        enhanced(order, n % 3, n << 40, packet) if n % 5 else simple(order, packet)
        for n, packet in enumerate(PACKETS[:30])
    ]
    declared = interface(order, 101, 0, {9: b"\x09"}) + interface(order, 12, 60, {9: b"\x94"})
    return section(order) + declared + b"".join(packets_of)


FILES = [CAPTURE, pcapng(LITTLE), pcapng(BIG), pcapng(BIG) + pcapng(LITTLE)]


@pytest.mark.parametrize("file", FILES)
def test_files(file: bytes) -> None:
    assert_equal(by_columns(file), one_by_one(file))
    assert len(list(one_by_one(file))) > 15


@MESSY
@given(st.sampled_from(FILES), st.data(), st.sampled_from([1, 5, 1000]))
def test_changed_and_cut_files(file: bytes, data: st.DataObject, at_most: int) -> None:
    octets = changed(file, data, 10)
    try:
        list(stretches(octets, "x"))
    except LabError as refused:
        with pytest.raises(type(refused), match=re.escape(str(refused))):
            by_columns(octets)
        return
    segments: list[Segment] = []
    damage = None
    try:
        segments.extend(one_by_one(octets))  # up to where it raises
    except InvalidRun as error:
        damage = str(error)
    capture = by_columns(octets, at_most)
    assert_equal(capture, segments)
    assert damage is None or damage in capture.problems


@MESSY
@given(st.binary(max_size=200), st.sampled_from([b"", CAPTURE[:24], FILES[1][:28]]))
def test_garbage_files(garbage: bytes, beginning: bytes) -> None:
    try:
        assert by_columns(beginning + garbage).frames >= 0
    except LabError as error:
        assert "x: " in str(error)  # noqa: PT017 - not all garbage is refused


# What the options mean


def test_subtypes_are_those_of_the_layers() -> None:
    assert {each.name: each.value for each in Subtype} == mptcp.Subtype.__members__


def test_every_form_is_in_the_corpus() -> None:
    """So that the comparison with tshark concerns all of them."""
    forms = {(int(value[0], 16), 2 + len(value) // 2) for _, value in ONE_EACH}
    removals = {form for form in FORMS if form[0] == Subtype.REMOVE_ADDR}

    assert set(FORMS) - removals <= forms
    assert len(removals & forms) == 3


def test_a_length_that_fits_no_form_has_no_fields() -> None:
    wrong = ["00", "2001", "2005" + "11" * 13, "3009", "100700", "60", "8000aa"]
    file = pcap_file([tcp_packet(option(value)) for value in wrong], link_type=101)

    assert by_columns(file).options.present.tolist() == [0] * len(wrong)


def test_has_tells_a_zero_from_nothing() -> None:
    capture = columns.read(DATA / "join_prio_v4.pcap")
    ids = capture.options.has(Field.address_id)

    assert capture.options.address_id[ids].tolist() == [7, 0, 9, 9, 7]
    assert not capture.options.address_id[~ids].any()
