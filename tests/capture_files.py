"""Capture files made of structs, for tests: classic and pcapng."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Mapping

LITTLE, BIG = "<", ">"


def pcap_file(
    frames: Iterable[bytes],
    magic: str = "d4c3b2a1",
    order: str = LITTLE,
    fraction: int = 0,
    link_type: int = 276,
    snap_length: int = 96,
) -> bytes:
    """Return a classic file with frames captured at 10 s and a fraction."""
    header = struct.pack(order + "HHIIII", 2, 4, 0, 0, snap_length, link_type)
    packed = (
        struct.pack(order + "IIII", 10, fraction, len(frame), 1500) + frame for frame in frames
    )
    return bytes.fromhex(magic) + header + b"".join(packed)


def block(order: str, kind: int, body: bytes) -> bytes:
    """Return a block of a pcapng file."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(
    order: str, link_type: int, snap_length: int, options: Mapping[int, bytes] | None = None
) -> bytes:
    body = struct.pack(order + "HHI", link_type, 0, snap_length)
    for code, value in (options or {}).items():
        body += struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
    return block(order, 1, body)


def enhanced(order: str, number: int, units: int, frame: bytes) -> bytes:
    time = (units >> 32, units & 0xFFFFFFFF)
    body = struct.pack(order + "IIIII", number, *time, len(frame), 1500)
    return block(order, 6, body + frame)


def simple(order: str, frame: bytes) -> bytes:
    return block(order, 3, struct.pack(order + "I", len(frame)) + frame)


def tcp_packet(
    options: bytes = b"",
    payload: bytes = b"",
    *,
    ports: tuple[int, int] = (40000, 5000),
    hosts: tuple[str, str] = ("10.0.1.1", "10.0.2.1"),
    numbers: tuple[int, int] = (1000, 2000),
    flags: int = 0x10,
) -> bytes:
    """Return an IP packet with a TCP segment; ``numbers`` are sequence and acknowledgment."""
    options += bytes(-len(options) % 4)
    offset = (20 + len(options)) << 10
    tcp = struct.pack("!HHIIHHHH", *ports, *numbers, offset | flags, 512, 0, 0) + options + payload
    source, destination = (ipaddress.ip_address(host).packed for host in hosts)
    if len(source) == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0)
    else:
        head = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64)
    return head + source + destination + tcp


def timed_file(frames: Iterable[tuple[float, bytes]], link_type: int = 101) -> bytes:
    """Return a classic file with nanoseconds, of frames with their seconds since the epoch."""
    header = struct.pack("<IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 0, link_type)
    return header + b"".join(
        struct.pack("<IIII", *divmod(round(time * 1e9), 10**9), len(frame), len(frame)) + frame
        for time, frame in frames
    )


def option(value: str | bytes) -> bytes:
    """Return an MPTCP option of a value, in hex or as octets."""
    octets = bytes.fromhex(value) if isinstance(value, str) else value
    return bytes([30, 2 + len(octets)]) + octets
