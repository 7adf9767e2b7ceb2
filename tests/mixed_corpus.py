"""A capture with every form of every MPTCP option, and what is not one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

from capture_files import option, tcp_packet

V4, V6 = ("10.0.1.1", "10.0.2.1"), ("fd00:1::1", "fd00:2::2")
TIMESTAMPS = bytes.fromhex("0101080a0000000100000002")
KEY, OTHER, MAC = "0123456789abcdef", "fedcba9876543210", "1122334455667788"
ADDRESSES = ("0a000202", "fd000002000000000000000000000005")

SYN, SYN_ACK, ACK, RST = 0x02, 0x12, 0x10, 0x14


def signals() -> Iterator[str]:
    """DSS with every combination of its flags, with and without a checksum."""
    for flags in range(32):
        ack = "" if not flags & 1 else "11" * (8 if flags & 2 else 4)
        if not flags & 4:
            yield f"20{flags:02x}" + ack
            continue
        mapping = "22" * (8 if flags & 8 else 4) + "00000001" + "0064"
        yield f"20{flags:02x}" + ack + mapping
        yield f"20{flags:02x}" + ack + mapping + "beef"


def advertisements() -> Iterator[str]:
    """ADD_ADDR of version 1 and 0, announcing and echoing, with and without a port."""
    for address, port in product(ADDRESSES, ("", "1f90")):
        yield "3009" + address + port + MAC
        yield "3109" + address + port
        yield ("34" if len(address) == 8 else "36") + "09" + address + port


ONE_EACH: list[tuple[int, str]] = [
    (SYN, "0181"),
    (SYN, "0101"),
    (SYN, "0121"),
    (SYN, "01ff"),
    (SYN_ACK, "0101" + KEY),
    (ACK, "0101" + KEY + OTHER),
    (ACK, "0181" + KEY + OTHER + "0003"),
    (ACK, "0181" + KEY + OTHER + "0003beef"),
    (SYN, "0001" + KEY),
    (SYN, "00bf" + KEY),
    (ACK, "0081" + KEY + OTHER),
    (SYN, "1007" + "605cc030" + "0badcafe"),
    (SYN, "1107" + "605cc030" + "0badcafe"),
    (SYN_ACK, "1109" + MAC + "0badcafe"),
    (ACK, "1000" + "ab" * 20),
    (ACK, "1abc" + "ab" * 20),
    *((ACK, value) for value in signals()),
    *((ACK, value) for value in advertisements()),
    *((ACK, "40" + "".join(f"{each:02x}" for each in range(n))) for n in (1, 2, 8)),
    (ACK, "50"),
    (ACK, "51"),
    (ACK, "5107"),
    (ACK, "6000" + KEY),
    (ACK, "7000" + KEY),
    (RST, "7123" + KEY),
    *((RST, f"8{flags:x}{reason:02x}") for flags, reason in ((0, 0), (1, 3), (15, 6))),
    (ACK, "f0" + "aa" * 6),
    (ACK, "a0" + "aa" * 6),
]
"""Flags of the TCP header, and the value of an option."""

SEVERAL = [
    ["2001" + "11" * 4, "51"],
    ["2003" + "11" * 8, "6000" + KEY],
    ["50", "5107", "51", "4001"],
    ["7000" + KEY, "8103"],
    ["4001", "4002", "3109" + ADDRESSES[0]],
]
"""Options that share a header."""


def headers() -> Iterator[tuple[bytes, int]]:
    """Options and flags of one TCP header each."""
    for flags, value in ONE_EACH:
        yield option(value), flags
        if len(value) <= 50:
            yield TIMESTAMPS + option(value), flags
    for values in SEVERAL:
        yield b"".join(map(option, values)), ACK
    for options in (b"", b"\x01" * 40, b"\x00" + option("51"), b"\x01\x01" + option("51") * 2):
        yield options, 0xFFF


def packets() -> list[bytes]:
    """IPv4 and IPv6 packets in an order that a seed decides.

    Each is a connection of its own: tshark 4.0 fails an assertion where versions meet in one.
    """
    found = [
        tcp_packet(options, b"abc" * (n % 3), flags=flags, hosts=hosts, ports=(10000 + n, 5000))
        for hosts in (V4, V6)
        for n, (options, flags) in enumerate(headers())
    ]
    random.Random(8684).shuffle(found)  # noqa: S311 - not for secrets
    return found
