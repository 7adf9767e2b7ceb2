"""Capture files: both formats, byte orders and units of time, and files that end too early."""

from __future__ import annotations

import struct

import pytest
from capture_files import BIG, LITTLE, enhanced, interface, pcap_file, section, simple
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import InvalidRun, LabError, UsageError
from lab.wire.capture_file import records, stretches
from lab.wire.layout import NANOSECONDS, Interface

FRAMES = (b"first", b"other!", b"")


def frames(data: bytes) -> list[tuple[int, float, bytes]]:
    return [(each.number, each.time, each.frame) for each in records(data, "x")]


def problem(data: bytes) -> str:
    return list(stretches(data, "x"))[-1].problem


FORMATS = {
    "little endian": pcap_file(FRAMES, "d4c3b2a1", LITTLE, 250_000),
    "big endian": pcap_file(FRAMES, "a1b2c3d4", BIG, 250_000),
    "little endian, nanoseconds": pcap_file(FRAMES, "4d3cb2a1", LITTLE, 250_000_000),
    "big endian, nanoseconds": pcap_file(FRAMES, "a1b23c4d", BIG, 250_000_000),
}
FILE = FORMATS["little endian"]


@pytest.mark.parametrize("data", FORMATS.values(), ids=FORMATS.keys())
def test_classic_files(data: bytes) -> None:
    assert frames(data) == [(1, 10.25, b"first"), (2, 10.25, b"other!"), (3, 10.25, b"")]
    assert {each.interface._replace(per_second=0) for each in records(data, "x")} == {
        Interface(276, 96, 0)
    }


def test_bits_above_the_link_type_are_not_part_of_it() -> None:
    with_fcs_length = FILE[:23] + b"\x44" + FILE[24:]

    assert next(records(with_fcs_length, "x")).interface.link_type == 276


def test_a_half_written_record_is_left_out() -> None:
    """Wherever tcpdump was killed, whole records before it are there and no other."""
    counts = [len(frames(FILE[:length])) for length in range(24, len(FILE) + 1)]

    first, other = 16 + len(b"first"), 16 + len(b"other!")
    assert counts == [0] * first + [1] * other + [2] * 16 + [3]
    assert problem(FILE) == ""
    assert problem(FILE[:-1]) == "x: packet 3 is not whole (at byte 67 of 82)"


@pytest.mark.parametrize(
    "damage",
    [b"garbage that is no record", bytes(16), struct.pack("<IIII", 10, 10**6, 5, 1500)],
    ids=["text", "hole", "fraction"],
)
@pytest.mark.parametrize(("number", "start"), [(1, 24), (2, 45), (4, len(FILE))])
def test_what_is_no_record_is_told_with_its_place(damage: bytes, number: int, start: int) -> None:
    """Instead of the first record, in the middle, and behind the last."""
    altered = FILE[:start] + damage + bytes(5) + FILE[start + len(damage) + 5 :]

    with pytest.raises(InvalidRun, match=rf"^x: record {number}, at byte {start} of \d+, is"):
        frames(altered)


@pytest.mark.parametrize("length", [0, 3, 4, 23])
def test_a_file_without_its_header_is_an_invalid_run(length: int) -> None:
    with pytest.raises(InvalidRun, match=f"x: .*{length} of 24 bytes"):
        frames(FILE[:length])


def test_a_header_alone_is_a_capture_of_nothing() -> None:
    assert frames(FILE[:24]) == []
    assert problem(FILE[:24]) == ""


def test_another_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^x: not a pcap or pcapng .*begins with 23 21 2f 62\)"):
        frames(b"#!/b")


def pcapng_file(order: str) -> bytes:
    """Two interfaces with their own link types and clocks, and blocks that are not packets."""
    other_block = struct.pack(order + "III", 0x80000001, 16, 7) + struct.pack(order + "I", 16)
    return b"".join(
        [
            section(order),
            interface(order, 276, 96),
            interface(order, 1, 0, {9: b"\x09", 14: struct.pack(order + "q", 100)}),
            enhanced(order, 0, 10_250_000, b"first"),
            other_block,
            enhanced(order, 1, 10 * NANOSECONDS + 1, b"other!"),
            simple(order, b"bare"),
        ]
    )


@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_pcapng_files(order: str) -> None:
    first, other, bare = records(pcapng_file(order), "x")

    assert first == (1, 10.25, b"first", Interface(276, 96))
    assert other == (2, 110.000000001, b"other!", Interface(1, 0, NANOSECONDS, 100))
    assert bare == (3, 0.0, b"bare", Interface(276, 96))


@pytest.mark.parametrize(
    ("resolution", "per_second"), [(0, 1), (3, 1000), (0x80, 1), (0x8A, 1024), (12, 10**12)]
)
def test_units_of_time(resolution: int, per_second: int) -> None:
    data = section(LITTLE) + interface(LITTLE, 1, 0, {9: bytes([resolution])})
    (record,) = records(data + enhanced(LITTLE, 0, 3 * per_second, b"x"), "x")

    assert (record.time, record.interface.per_second) == (3.0, per_second)


def test_sections_have_their_own_byte_order_and_interfaces() -> None:
    data = pcapng_file(LITTLE) + section(BIG) + interface(BIG, 101, 0)
    *_, last = records(data + enhanced(BIG, 0, 0, b"last"), "x")

    assert (last.number, last.frame, last.interface.link_type) == (4, b"last", 101)


def test_a_packet_of_an_unknown_interface_counts_but_is_not_read() -> None:
    data = section(LITTLE) + interface(LITTLE, 1, 0)
    packets = enhanced(LITTLE, 7, 0, b"lost") + enhanced(LITTLE, 0, 0, b"kept")

    assert frames(data + packets) == [(2, 0.0, b"kept")]


BROKEN = {
    "no block is that short": struct.pack("<III", 0xBAD, 8, 8),
    "not a multiple of 4": struct.pack("<III", 0xBAD, 13, 13) + bytes(4),
    "no room for the packet": enhanced(LITTLE, 0, 0, bytes(4))[:20] + bytes([5]) + bytes(15),
    "length 0": struct.pack("<III", 6, 0, 0) + bytes(40),
    "a section in no byte order": bytes.fromhex("0a0d0d0a") + bytes(24),
    "an interface of 10^127 units a second": interface(LITTLE, 1, 0, {9: b"\x7f"}),
}


@pytest.mark.parametrize("block", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_told_with_its_place(block: bytes) -> None:
    data = pcapng_file(LITTLE)

    with pytest.raises(InvalidRun, match=rf"^x: .* \(at byte {len(data)} of"):
        frames(data + block + enhanced(LITTLE, 0, 0, b"after"))
    assert f"(at byte {len(data)} of" in problem(data + block)


def test_a_half_written_block_is_a_problem() -> None:
    data = pcapng_file(LITTLE)
    counts = [len(frames(data[:length])) for length in range(28, len(data) + 1)]

    assert sorted(counts) == counts
    assert counts[-2:] == [2, 3]
    two_in_a_row = data + 2 * enhanced(LITTLE, 0, 0, b"last")
    assert len(frames(two_in_a_row[:-1])) == 4
    assert problem(data) == ""
    assert "not whole" in problem(data[:-1])


@settings(deadline=None)
@given(st.sampled_from([*FORMATS.values(), pcapng_file(LITTLE), pcapng_file(BIG)]), st.data())
def test_changed_files_end_or_are_refused(data: bytes, draw: st.DataObject) -> None:
    """Whatever octets are changed, each record lies in the file and a reason is a sentence."""
    octets = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 6))):
        octets[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        found = list(records(bytes(octets), "x"))
    except LabError as error:
        assert "x: " in str(error)  # noqa: PT017 - not every change is refused
    else:
        assert sum(len(record.frame) for record in found) <= len(data)
