"""Frames are read and written as Scapy does; what is not understood passes unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from middlebox_frames import BACK, CAPABLE, STAMPS, THERE, outcome, tcp, there
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, Dot1Q, Ether

from lab.middlebox.kinds import Declared
from lab.middlebox.line import Line
from lab.middlebox.segment import read, write

EVERYTHING = ("strip", {"option": 8}), ("sequence", {"offset": 7}), ("split", {"size": 1})

SEGMENT = TCP(sport=1, dport=2, flags="SA", seq=3, ack=4, urgptr=5, window=6, options=[STAMPS])
HEADERS = {
    "ipv4": IP(src="1.2.3.4", dst="4.3.2.1", id=7),
    "ipv4-options": IP(src="1.2.3.4", dst="4.3.2.1", options=[b"\x01"] * 4),
    "ipv6": IPv6(src="fd00::1", dst="fd00::2", fl=9),
    "ipv6-options": IPv6(src="fd00::1", dst="fd00::2") / IPv6ExtHdrDestOpt(),
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("data", [b"", b"x", b"x" * 1000])
@pytest.mark.parametrize("tags", [0, 1, 2])
def test_what_is_read_can_be_written(header: IP, data: bytes, tags: int) -> None:
    link = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    for _ in range(tags):
        link = link / Dot1Q(vlan=3)
    frame = bytes(link / header / SEGMENT / data)

    segment = read(frame)

    assert segment is not None
    assert write(segment) == frame
    assert (segment.seq, segment.ack, segment.window, segment.urgent) == (3, 4, 6, 5)
    assert segment.payload == data
    assert write(segment._replace(payload=b"")) == bytes(link / header / SEGMENT)


def test_a_segment_turned_around() -> None:
    segment = read(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
                         / HEADERS["ipv4"] / SEGMENT))  # fmt: skip
    assert segment is not None

    turned = Ether(write(segment.turned(seq=99)))

    assert (turned.src, turned.dst) == ("02:00:00:00:00:02", "02:00:00:00:00:01")
    assert (turned[IP].src, turned[IP].dst) == ("4.3.2.1", "1.2.3.4")
    assert (turned[TCP].sport, turned[TCP].dport, turned[TCP].seq) == (2, 1, 99)


def spoiled(frame: bytes, at: int) -> bytes:
    return frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]


LINK = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
NOT_UNDERSTOOD = {
    "arp": bytes(LINK / ARP()),
    "udp": bytes(LINK / HEADERS["ipv4"] / UDP(sport=1, dport=2) / b"data"),
    "fragment": bytes(LINK / IP(flags="MF") / SEGMENT / bytes(8)),
    "ipv6-fragment": bytes(LINK / IPv6() / IPv6ExtHdrFragment(m=1) / SEGMENT),
    "wrong-checksum": spoiled(there("PA", b"data"), -1),
    "cut": there("PA", b"data")[:-1],
    "nothing": b"",
    "short": bytes(13),
}


@pytest.mark.parametrize("frame", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
@pytest.mark.parametrize("direction", [THERE, BACK])
def test_what_is_not_understood_passes(frame: bytes, direction: int) -> None:
    boxes = [Declared(*box) for box in EVERYTHING]
    assert outcome(Line(boxes, boxes), frame, direction) == [frame]


@given(st.binary(max_size=120), st.integers(0, 200), st.integers(0, 255))
@settings(deadline=None, max_examples=500)
def test_any_bytes_pass(tail: bytes, at: int, octet: int) -> None:
    frame = bytearray(there("S", tail, options=[CAPABLE, STAMPS]))
    frame[at % len(frame)] = octet
    boxes = [Declared(*box) for box in EVERYTHING]
    assert list(Line(boxes, boxes).passes(bytes(frame), THERE, 0.0))
    assert list(Line(boxes, boxes).passes(tail, BACK, 0.0)) == [(BACK, tail)]


def test_a_frame_that_no_box_changes_stays_as_it_is() -> None:
    frame = there("A", b"data")
    (same,) = outcome(Line([Declared("strip", {"option": 30})], []), frame)
    assert same is frame
    assert tcp(same).seq == 1001
