"""TCP segments in Ethernet frames, for who changes them: read into values, and written again.

Only what is whole and right is read: a box of a real network does not understand the rest either.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
CWR = 0x80
"""Control bits (RFC 9293, section 3.1)."""

_ETHERNET = 14
"""bytes of destination, source and type"""

_VLAN_TAGS = (0x8100, 0x88A8)
_IPV4, _IPV6 = 0x0800, 0x86DD
"""EtherTypes, <linux/if_ether.h>"""

_TCP = 6
"""IPPROTO_TCP, <linux/in.h>"""

_SKIPPED = (0, 60)
"""IPv6's hop-by-hop and destination options (RFC 8200, sections 4.3 and 4.6); what any other
extension header precedes is not read"""

_NOT_WHOLE = 0x3FFF
"""IPv4's flag "more fragments" and its fragment offset (RFC 791, section 3.1)."""

_HEADER = struct.Struct("!HHIIHHHH")
"""Ports, sequence and acknowledgment number, offset and flags, window, checksum, urgent."""

_ALL_ONES = 0xFFFF

Flow = tuple[bytes, int, bytes, int]
"""Source address and port, destination address and port."""


class Segment(NamedTuple):
    """A TCP segment, and the headers before it as they came."""

    link: bytes
    """the Ethernet header with its VLAN tags"""
    ip: bytes
    """the IP header with what follows it; :func:`write` mends its length and checksum"""
    source: int
    """port"""
    destination: int
    """port"""
    seq: int
    ack: int
    flags: int
    """the twelve bits that follow the data offset, with reserved ones"""
    window: int
    urgent: int
    options: bytes
    """TCP options, padded to a multiple of 4 bytes"""
    payload: bytes

    @property
    def flow(self) -> Flow:
        """Which way of which connection this is."""
        source, destination = _addresses(self.ip)
        return source, self.source, destination, self.destination

    @property
    def reversed_flow(self) -> Flow:
        """The opposite way of the same connection."""
        source, destination = _addresses(self.ip)
        return destination, self.destination, source, self.source

    @property
    def length(self) -> int:
        """What it takes of the sequence space (RFC 9293, section 3.4)."""
        return len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)

    def turned(self, **changes: object) -> Segment:
        """The same with source and destination exchanged: what the receiver might answer."""
        link = self.link[6:12] + self.link[:6] + self.link[12:]
        turned = self._replace(
            link=link, ip=_turned(self.ip), source=self.destination, destination=self.source
        )
        return turned._replace(**changes)  # type: ignore[arg-type]


def read(frame: bytes) -> Segment | None:
    """The segment in a frame; None where there is none that is whole, with a right checksum."""
    try:
        found = _tcp_in(frame)
        return found and _read(frame, *found)
    except (struct.error, IndexError):  # the frame ends in the middle of a header
        return None


def _read(frame: bytes, start: int, tcp: int, end: int) -> Segment | None:
    ip, octets = frame[start:tcp], frame[tcp:end]
    source, destination, seq, ack, word, window, _, urgent = _HEADER.unpack_from(octets)
    header = word >> 12 << 2
    # A sum of nothing but right words is a multiple of all ones (RFC 1071, section 1).
    if not 20 <= header <= len(octets) or end > len(frame) or _sum(ip, octets):
        return None
    return Segment(
        frame[:start], ip, source, destination, seq, ack, word & 0xFFF, window, urgent,
        octets[20:header], octets[header:],
    )  # fmt: skip


def write(segment: Segment) -> bytes:
    """The frame of a segment, with its lengths and checksums."""
    word = (20 + len(segment.options)) << 10 | segment.flags
    octets = bytearray(
        _HEADER.pack(
            segment.source, segment.destination, segment.seq, segment.ack, word,
            segment.window, 0, segment.urgent,
        ) + segment.options + segment.payload
    )  # fmt: skip
    ip = _with_length(segment.ip, len(octets))
    struct.pack_into("!H", octets, 16, -_sum(ip, bytes(octets)) % _ALL_ONES)
    return segment.link + ip + octets


def _tcp_in(frame: bytes) -> tuple[int, int, int] | None:
    """Where in the frame the IP header begins, the TCP header, and what follows the segment."""
    start = _ETHERNET
    while (kind := int.from_bytes(frame[start - 2 : start], "big")) in _VLAN_TAGS:
        start += 4
    if kind == _IPV4:
        return _in_ipv4(frame, start)
    return _in_ipv6(frame, start) if kind == _IPV6 else None


def _in_ipv4(frame: bytes, start: int) -> tuple[int, int, int] | None:
    """RFC 791, section 3.1."""
    first, total, fragment, protocol = struct.unpack_from("!BxH2xHxB", frame, start)
    if not 0x45 <= first <= 0x4F or fragment & _NOT_WHOLE or protocol != _TCP:
        return None
    return start, start + ((first & 0x0F) << 2), start + total


def _in_ipv6(frame: bytes, start: int) -> tuple[int, int, int] | None:
    """RFC 8200, sections 3 and 4."""
    first, length, protocol = struct.unpack_from("!B3xHB", frame, start)
    at = start + 40
    while protocol in _SKIPPED:
        protocol, units = struct.unpack_from("!BB", frame, at)
        at += 8 * (units + 1)
    if first >> 4 != 6 or protocol != _TCP:
        return None
    return start, at, start + 40 + length


def _addresses(ip: bytes) -> tuple[bytes, bytes]:
    return (ip[12:16], ip[16:20]) if ip[0] >> 4 == 4 else (ip[8:24], ip[24:40])


def _turned(ip: bytes) -> bytes:
    if ip[0] >> 4 == 4:
        return ip[:12] + ip[16:20] + ip[12:16] + ip[20:]
    return ip[:8] + ip[24:40] + ip[8:24] + ip[40:]


def _with_length(ip: bytes, payload: int) -> bytes:
    if ip[0] >> 4 == 6:
        return ip[:4] + struct.pack("!H", len(ip) - 40 + payload) + ip[6:]
    mended = bytearray(ip)
    struct.pack_into("!H", mended, 2, len(ip) + payload)
    struct.pack_into("!H", mended, 10, 0)
    struct.pack_into("!H", mended, 10, -int.from_bytes(mended, "big") % _ALL_ONES)
    return bytes(mended)


def _sum(ip: bytes, octets: bytes) -> int:
    """The sum of the pseudo-header and the segment, modulo all ones (RFC 9293, section 3.1).

    Since 65536 is 1 modulo 65535, a number is congruent to the sum of its 16-bit words.
    """
    addresses = ip[12:20] if ip[0] >> 4 == 4 else ip[8:40]
    whole = addresses + struct.pack("!HH", _TCP, len(octets)) + octets + bytes(len(octets) % 2)
    return int.from_bytes(whole, "big") % _ALL_ONES
