"""TCP segments as frozen values, decoded from captured frames.

Scapy dissects some 4,500 packets a second; a capture of a lab has many more, of which a question
concerns a few. So the headers are decoded here, and Scapy sees only the MPTCP options asked for.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from typing import NamedTuple

from lab.wire import mptcp
from lab.wire.ipv6 import EXTENSION_HEADERS
from lab.wire.link_layer import ETH_P_IP, ETH_P_IPV6, Network, network


class Endpoint(NamedTuple):
    """One end of a TCP connection; equal to the plain pair (host, port)."""

    host: str
    """An IPv4 or IPv6 address as inet_ntop(3) writes it."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Flags(IntFlag):
    """The control bits of the TCP header (RFC 9293, section 3.1)."""

    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16
    URG = 32
    ECE = 64
    CWR = 128


FLAGS = tuple(map(Flags, range(256)))
"""Every value that the octet can have: looking one up is quicker than making it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment as one capture saw it."""

    number: int
    """Its packet number in the file, 1 for the first, as in Wireshark."""
    time: float
    """When it was captured, in seconds since the epoch."""
    outgoing: bool | None
    """Whether the capturing host sent it; None if the link type does not tell."""
    interface: int | None
    """The index of the host's interface that it crossed; None if the link type does not tell."""
    source: Endpoint
    destination: Endpoint
    flags: Flags
    seq: int
    """Sequence number, absolute."""
    ack: int
    """Acknowledgment number, absolute; of no meaning without the flag ACK."""
    window: int
    """The window field, not scaled."""
    payload: int
    """TCP payload in bytes, by the length in the IP header: on the wire, captured or not."""
    options: bytes
    """The TCP options as captured: fewer bytes if a short snap length cut them."""
    data: bytes = b""
    """What was captured of the payload."""
    options_cut: bool = False
    """Whether the capture lacks a part of the options."""

    @property
    def syn(self) -> bool:
        """Whether SYN is set, in a SYN/ACK too."""
        return bool(self.flags & Flags.SYN)

    @property
    def fin(self) -> bool:
        """Whether FIN is set: the end of one direction of this subflow."""
        return bool(self.flags & Flags.FIN)

    @property
    def rst(self) -> bool:
        """Whether RST is set."""
        return bool(self.flags & Flags.RST)

    @property
    def mptcp(self) -> tuple[mptcp.MptcpOption, ...]:
        """The MPTCP options, dissected by Scapy at each call."""
        return tuple(mptcp.MptcpOption(value) for value in mptcp.values(self.options))


def decode(frame: bytes, link_type: int, number: int, time: float) -> Segment | None:
    """Decode a frame; None if it holds no TCP header, or not its first 20 octets.

    ``link_type`` is one of ``lab.wire.link_layer.LINK_TYPES``, else KeyError. ``number`` and
    ``time`` come from the capture file.
    """
    try:
        link = network(frame, link_type)
        if link.protocol == ETH_P_IP:
            packet = _ipv4(frame, link.offset)
        elif link.protocol == ETH_P_IPV6:
            packet = _ipv6(frame, link.offset)
        else:
            return None
        return packet and _tcp(frame, packet, number, time, link)
    except (struct.error, IndexError):  # the frame ends in the middle of a header
        return None


class _Packet(NamedTuple):
    """An IP packet that carries the beginning of a TCP segment."""

    source: bytes
    destination: bytes
    tcp: int
    """Where the TCP header begins in the frame."""
    length: int
    """Length of the TCP header and its payload, by the IP header."""


def _ipv4(frame: bytes, start: int) -> _Packet | None:
    """RFC 791, section 3.1."""
    version_ihl, length, fragment, protocol, source, destination = struct.unpack_from(
        "!BxH2xHxB2x4s4s", frame, start
    )
    if not 0x45 <= version_ihl <= 0x4F or protocol != socket.IPPROTO_TCP:
        return None
    if fragment & 0x1FFF:  # not the first fragment
        return None
    header = 4 * (version_ihl & 0x0F)
    return _Packet(source, destination, start + header, length - header)


def _ipv6(frame: bytes, start: int) -> _Packet | None:
    """RFC 8200, section 3."""
    version, length, protocol, source, destination = struct.unpack_from(
        "!B3xHBx16s16s", frame, start
    )
    if version >> 4 != 6:
        return None
    at = start + 40
    end = at + length
    while protocol in EXTENSION_HEADERS:
        following, units, fragment = struct.unpack_from("!BBH", frame, at)
        if protocol == socket.IPPROTO_FRAGMENT and fragment & 0xFFF8:  # not the first fragment
            return None
        at += _extension_length(protocol, units)
        protocol = following
    if protocol != socket.IPPROTO_TCP:
        return None
    return _Packet(source, destination, at, end - at)


def _extension_length(protocol: int, units: int) -> int:
    """Return the length of an IPv6 extension header in octets."""
    if protocol == socket.IPPROTO_FRAGMENT:
        return 8  # RFC 8200, section 4.5: this octet is reserved
    if protocol == socket.IPPROTO_AH:
        return 4 * (units + 2)  # RFC 4302, section 2.2
    return 8 * (units + 1)  # RFC 8200, sections 4.3, 4.4 and 4.6


def _tcp(frame: bytes, packet: _Packet, number: int, time: float, link: Network) -> Segment | None:
    """RFC 9293, section 3.1."""
    source, destination, seq, ack, offset, flags, window = struct.unpack_from(
        "!HHIIBBH4x", frame, packet.tcp
    )
    header = 4 * (offset >> 4)
    if not 20 <= header <= packet.length:
        return None
    options = frame[packet.tcp + 20 : packet.tcp + header]
    return Segment(
        number,
        time,
        link.outgoing,
        link.interface,
        _endpoint(packet.source, source),
        _endpoint(packet.destination, destination),
        FLAGS[flags],
        seq,
        ack,
        window,
        packet.length - header,
        options,
        frame[packet.tcp + header : packet.tcp + packet.length],
        len(options) < header - 20,
    )


@lru_cache(maxsize=4096)
def _endpoint(address: bytes, port: int) -> Endpoint:
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    return Endpoint(socket.inet_ntop(family, address), port)
