"""Segments decoded from frames: real packets, behind each link type and in odd company."""

from __future__ import annotations

import struct
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.wire import capture_file, link_layer
from lab.wire.mptcp import Dss, MpPrio
from lab.wire.segment import Endpoint, Flags, Segment, decode

DATA = Path(__file__).parent / "data"
SLL2 = 20
"""Length of the header of LINKTYPE_LINUX_SLL2."""


def packet(file: str, number: int) -> bytes:
    """Return the IP packet of one frame of a capture in tests/data."""
    octets = (DATA / file).read_bytes()
    records = capture_file.records(octets, file)
    return next(record.frame for record in records if record.number == number)[SLL2:]


V4 = packet("join_prio_v4.pcap", 6)
V6 = packet("join_prio_v6_checksum.pcap", 11)
NEIGHBOR_SOLICITATION = packet("join_prio_v6_checksum.pcap", 1)

SEGMENT_V4 = Segment(
    number=3,
    time=1.5,
    outgoing=None,
    interface=None,
    source=Endpoint("10.0.1.2", 5000),
    destination=Endpoint("10.0.1.1", 32906),
    flags=Flags.PSH | Flags.ACK,
    seq=3514451548,
    ack=3129850489,
    window=63,
    payload=50,
    options=V4[40:-50],
    data=V4[-50:],
)


def raw(octets: bytes) -> Segment | None:
    return decode(octets, 101, 3, 1.5)


def test_ipv4_segment() -> None:
    assert raw(V4) == SEGMENT_V4


def test_ipv6_segment_cut_by_the_snap_length() -> None:
    segment = raw(V6)

    assert segment is not None
    assert segment.source == ("fd00:1::1", 39610)
    assert segment.destination == ("fd00:1::2", 5000)
    assert (segment.seq, segment.ack) == (1251571726, 1199026073)
    assert segment.payload == 300
    assert len(V6) < 300
    assert len(segment.options) == 36


ETHERNET = bytes.fromhex("020000000001 020000000002")
SLL_REST = bytes.fromhex("0001 0006 0200000000010000")
SLL2_REST = bytes.fromhex("0000 00000002 0001")
MAC = bytes.fromhex("06 0200000000010000")
LINKS = {
    "Ethernet": (1, ETHERNET + b"\x08\x00", None),
    "one VLAN tag": (1, ETHERNET + bytes.fromhex("8100 0064 0800"), None),
    "two VLAN tags": (1, ETHERNET + bytes.fromhex("88a8 0064 8100 0065 0800"), None),
    "raw IP": (101, b"", None),
    "raw IP, old number": (12, b"", None),
    "cooked, to us": (113, b"\x00\x00" + SLL_REST + b"\x08\x00", False),
    "cooked, from us": (113, b"\x00\x04" + SLL_REST + b"\x08\x00", True),
    "cooked, VLAN": (113, b"\x00\x04" + SLL_REST + bytes.fromhex("8100 0064 0800"), True),
    "cooked 2, to us": (276, b"\x08\x00" + SLL2_REST + b"\x00" + MAC, False),
    "cooked 2, from us": (276, b"\x08\x00" + SLL2_REST + b"\x04" + MAC, True),
}


@pytest.mark.parametrize(("link_type", "header", "outgoing"), LINKS.values(), ids=LINKS.keys())
def test_link_types(link_type: int, header: bytes, outgoing: bool | None) -> None:
    segment = decode(header + V4, link_type, 7, 2.5)

    assert segment is not None
    assert (segment.number, segment.time, segment.outgoing) == (7, 2.5, outgoing)
    assert segment.interface == (2 if link_type == 276 else None)
    assert (segment.source, segment.payload) == (SEGMENT_V4.source, 50)


def test_ipv6_behind_each_link_type() -> None:
    headers = {
        1: ETHERNET + b"\x86\xdd",
        12: b"",
        101: b"",
        113: b"\x00\x00" + SLL_REST + b"\x86\xdd",
        276: b"\x86\xdd" + SLL2_REST + b"\x00" + MAC,
    }

    segments = [decode(header + V6, link_type, 1, 0.0) for link_type, header in headers.items()]

    assert list(headers) == sorted(link_layer.LINK_TYPES)
    assert [segment and segment.payload for segment in segments] == [300] * 5


def test_padding_of_a_short_frame_is_no_payload() -> None:
    assert raw(V4 + bytes(6)) == SEGMENT_V4


@pytest.mark.parametrize("words", [6, 15])
def test_ipv4_options_lie_before_the_segment(words: int) -> None:
    options = bytes(4 * words - 20)
    length = struct.pack("!H", len(V4) + len(options))

    assert raw(bytes([0x40 + words]) + V4[1:2] + length + V4[4:20] + options + V4[20:]) == (
        SEGMENT_V4
    )


def ipv6_with(protocol: int, extension: bytes) -> bytes:
    """Put an extension header, whose first octet is written here, before the TCP of V6."""
    length = struct.unpack_from("!H", V6, 4)[0] + len(extension)
    header = V6[:4] + struct.pack("!HB", length, protocol) + V6[7:40]
    return header + bytes([6]) + extension[1:] + V6[40:]


EXTENSIONS = {
    "hop-by-hop": (0, bytes(8)),
    "routing, 24 octets": (43, bytes([0, 2]) + bytes(22)),
    "destination options": (60, bytes(8)),
    "authentication, 24 octets": (51, bytes([0, 4]) + bytes(22)),
    "first fragment": (44, bytes.fromhex("0005 0001 00000000")),
}


@pytest.mark.parametrize(("protocol", "extension"), EXTENSIONS.values(), ids=EXTENSIONS.keys())
def test_ipv6_extension_headers_are_skipped(protocol: int, extension: bytes) -> None:
    assert raw(ipv6_with(protocol, extension)) == raw(V6)


def test_two_extension_headers() -> None:
    inner = ipv6_with(60, bytes(8))
    length = struct.unpack_from("!H", inner, 4)[0] + 8
    outer = inner[:4] + struct.pack("!HB", length, 0) + inner[7:40]

    assert raw(outer + bytes([60]) + bytes(7) + inner[40:]) == raw(V6)


NOT_TCP = {
    "ARP": (1, ETHERNET + b"\x08\x06" + bytes(28)),
    "UDP": (101, V4[:9] + b"\x11" + V4[10:]),
    "ICMPv6": (101, NEIGHBOR_SOLICITATION),
    "later fragment": (101, V4[:6] + b"\x00\x01" + V4[8:]),
    "later fragment, IPv6": (101, ipv6_with(44, bytes.fromhex("0000 0008 00000000"))),
    "version 5": (101, b"\x50" + V4[1:]),
    "IPv4 behind the type of IPv6": (1, ETHERNET + b"\x86\xdd" + V4),
    "IPv4 header of 16 octets": (101, b"\x44" + V4[1:]),
    "TCP header of 16 octets": (101, V4[:32] + b"\x40" + V4[33:]),
    "TCP header longer than the packet": (101, V4[:2] + b"\x00\x28" + V4[4:]),
    "nothing": (101, b""),
}


@pytest.mark.parametrize(("link_type", "frame"), NOT_TCP.values(), ids=NOT_TCP.keys())
def test_what_is_not_tcp_is_none(link_type: int, frame: bytes) -> None:
    assert decode(frame, link_type, 1, 0.0) is None


def test_first_ipv4_fragment_and_dont_fragment_are_segments() -> None:
    assert raw(V4[:6] + b"\x20\x00" + V4[8:]) == SEGMENT_V4
    assert raw(V4[:6] + b"\x40\x00" + V4[8:]) == SEGMENT_V4


def test_cut_anywhere_it_is_a_segment_or_none() -> None:
    """Behind the first 20 octets of TCP only options are lost, never the payload's length."""
    for length in range(len(V4)):
        segment = raw(V4[:length])
        if length < 40:
            assert segment is None
        else:
            assert segment is not None
            assert segment.payload == 50
            assert segment.options == SEGMENT_V4.options[: length - 40]
            assert segment.options_cut == (length < len(V4) - 50)
            assert segment.data == V4[len(V4) - 50 : length]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200), st.sampled_from(sorted(link_layer.LINK_TYPES)))
def test_garbage_never_raises(frame: bytes, link_type: int) -> None:
    decode(frame, link_type, 1, 0.0)


@pytest.mark.parametrize("flag", Flags)
def test_flags(flag: Flags) -> None:
    segment = raw(V4[:33] + bytes([flag]) + V4[34:])

    assert segment is not None
    assert segment.flags is flag
    assert segment.syn is (flag is Flags.SYN)
    assert segment.fin is (flag is Flags.FIN)
    assert segment.rst is (flag is Flags.RST)


def test_flags_are_the_bits_of_the_header() -> None:
    names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]

    assert {flag.name: flag.value for flag in Flags} == {n: 1 << i for i, n in enumerate(names)}


def test_a_segment_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        SEGMENT_V4.payload = 0  # type: ignore[misc]  # that is the point


def test_mptcp_options_of_a_segment() -> None:
    segment = raw(packet("join_prio_v4.pcap", 29))

    assert segment is not None
    dss, prio = segment.mptcp
    assert isinstance(dss, Dss)
    assert isinstance(prio, MpPrio)
    assert prio.backup


def test_endpoints_are_written_as_in_urls() -> None:
    assert str(Endpoint("10.0.0.1", 80)) == "10.0.0.1:80"
    assert str(Endpoint("fd00::1", 80)) == "[fd00::1]:80"
