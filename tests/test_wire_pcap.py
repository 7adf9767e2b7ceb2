"""The pcap format: both byte orders, both units of time, and files that end too early."""

from __future__ import annotations

import struct

import pytest

from lab.errors import InvalidRun, UsageError
from lab.wire.pcap import FileHeader, Record, file_header, records


def pcap_file(magic: str, order: str, fraction: int) -> bytes:
    """Return a file with three frames, the last one empty, captured at 10 s and a fraction."""
    header = struct.pack(order + "HHIIII", 2, 4, 0, 0, 96, 276)
    frames = b"".join(
        struct.pack(order + "IIII", 10, fraction, len(frame), 1500) + frame
        for frame in (b"first", b"other!", b"")
    )
    return bytes.fromhex(magic) + header + frames


FORMATS = {
    "little endian": pcap_file("d4c3b2a1", "<", 250_000),
    "big endian": pcap_file("a1b2c3d4", ">", 250_000),
    "little endian, nanoseconds": pcap_file("4d3cb2a1", "<", 250_000_000),
    "big endian, nanoseconds": pcap_file("a1b23c4d", ">", 250_000_000),
}
FILE = FORMATS["little endian"]


@pytest.mark.parametrize("data", FORMATS.values(), ids=FORMATS.keys())
def test_formats(data: bytes) -> None:
    header = file_header(data, "x.pcap")

    assert (header.snap_length, header.link_type) == (96, 276)
    assert list(records(data, header, "x.pcap")) == [
        Record(1, 10.25, b"first"),
        Record(2, 10.25, b"other!"),
        Record(3, 10.25, b""),
    ]


def test_bits_above_the_link_type_are_not_part_of_it() -> None:
    with_fcs_length = FILE[:23] + b"\x44" + FILE[24:]

    assert file_header(with_fcs_length, "x.pcap").link_type == 276


def test_a_half_written_record_is_left_out() -> None:
    """Wherever tcpdump was killed, whole records before it are there and no other."""
    header = file_header(FILE, "x.pcap")
    counts = [
        len(list(records(FILE[:length], header, "x.pcap"))) for length in range(24, len(FILE) + 1)
    ]

    first, other = 16 + len(b"first"), 16 + len(b"other!")
    assert counts == [0] * first + [1] * other + [2] * 16 + [3]


@pytest.mark.parametrize(
    "damage",
    [b"garbage that is no record", bytes(16), struct.pack("<IIII", 10, 10**6, 5, 1500)],
    ids=["text", "hole", "fraction"],
)
@pytest.mark.parametrize(("number", "start"), [(1, 24), (2, 45), (4, len(FILE))])
def test_what_is_no_record_is_told_with_its_place(damage: bytes, number: int, start: int) -> None:
    """Instead of the first record, in the middle, and behind the last."""
    altered = FILE[:start] + damage + FILE[start + len(damage) :]

    with pytest.raises(InvalidRun, match=rf"^x.pcap: record {number}, at byte {start} of \d+, is"):
        list(records(altered, file_header(altered, "x.pcap"), "x.pcap"))


@pytest.mark.parametrize("length", [0, 3, 4, 23])
def test_a_file_without_its_header_is_an_invalid_run(length: int) -> None:
    with pytest.raises(InvalidRun, match=f"x.pcap: .*{length} of 24 bytes"):
        file_header(FILE[:length], "x.pcap")


def test_a_header_alone_is_a_capture_of_nothing() -> None:
    header = file_header(FILE[:24], "x.pcap")

    assert header == FileHeader("<", 1e-6, 96, 276)
    assert list(records(FILE[:24], header, "x.pcap")) == []


def test_another_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^x.txt: not a pcap file \(it begins with 23 21 2f 62\)"):
        file_header(b"#!/b", "x.txt")


def test_pcapng_is_refused_with_the_way_out() -> None:
    with pytest.raises(UsageError, match=r"x.pcapng: a pcapng file; .* editcap -F pcap x.pcapng"):
        file_header(bytes.fromhex("0a0d0d0a") + bytes(40), "x.pcapng")
