"""Every field of every packet is what tshark says, whatever file and link layer it is in."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from capture_files import BIG, LITTLE, enhanced, interface, pcap_file, section
from mixed_corpus import packets
from tshark_fields import by_columns, by_tshark, needs_tshark

from lab import columns

pytestmark = needs_tshark

DATA = Path(__file__).parent / "data"
PACKETS = packets()
ETHERNET = bytes.fromhex("020000000001 020000000002")


def ether_type(packet: bytes) -> bytes:
    return b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"


LINKS = {
    "Ethernet": (1, lambda p: ETHERNET + ether_type(p) + p),
    "VLAN": (1, lambda p: ETHERNET + bytes.fromhex("81000064") + ether_type(p) + p),
    "two VLANs": (1, lambda p: ETHERNET + bytes.fromhex("88a8006481000065") + ether_type(p) + p),
    "raw": (101, lambda p: p),
    "cooked": (113, lambda p: bytes.fromhex("00040001000602000000000100 00") + ether_type(p) + p),
    "cooked 2": (
        276,
        lambda p: ether_type(p) + bytes.fromhex("0000 00000002 0001 00 06 0200000000010000") + p,
    ),
}


def assert_equal(path: Path, at_least: int) -> None:
    theirs = by_tshark(path)
    ours = by_columns(columns.read(path))
    assert len(theirs) >= at_least
    assert list(ours) == list(theirs)
    for number, row in theirs.items():
        assert ours[number] == row, f"packet {number}"


@pytest.mark.parametrize(("link_type", "header"), LINKS.values(), ids=LINKS.keys())
def test_mixed_corpus_behind_each_link_layer(tmp_path: Path, link_type: int, header) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "mixed.pcap"
    frames = list(map(header, PACKETS))
    file.write_bytes(pcap_file(frames, link_type=link_type, snap_length=0))

    assert_equal(file, len(PACKETS))


@pytest.mark.parametrize(
    ("magic", "order", "fraction"),
    [("a1b2c3d4", BIG, 999_999), ("4d3cb2a1", LITTLE, 123_456_789), ("a1b23c4d", BIG, 1)],
)
def test_classic_files(tmp_path: Path, magic: str, order: str, fraction: int) -> None:
    file = tmp_path / "mixed.pcap"
    file.write_bytes(pcap_file(PACKETS, magic, order, fraction, link_type=101, snap_length=0))

    assert_equal(file, len(PACKETS))


@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_pcapng_with_two_interfaces_and_clocks(tmp_path: Path, order: str) -> None:
    file = tmp_path / "mixed.pcapng"
    file.write_bytes(
        section(order)
        + interface(order, 101, 0, {9: b"\x09", 14: struct.pack(order + "q", 1000)})
        + interface(order, 1, 0, {9: b"\x8a"})
        + b"".join(
            enhanced(order, n % 2, 5 * 2**10 + n, LINKS["Ethernet"][1](p) if n % 2 else p)
            for n, p in enumerate(PACKETS)
        )
    )

    assert_equal(file, len(PACKETS))


@pytest.mark.parametrize("path", sorted(DATA.rglob("*.pcap")), ids=lambda path: path.stem)
def test_captures_of_the_kernel(path: Path) -> None:
    """Joins, resets, MP_FASTCLOSE, checksums, and a fallback, over IPv4 and IPv6."""
    assert_equal(path, 10)
