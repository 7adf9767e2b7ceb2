"""A large capture made of structs: connections of two subflows, MPTCP options on every packet."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

from capture_files import option, tcp_packet

from lab.wire import keys

SYN, SYN_ACK, ACK = 0x02, 0x12, 0x10
TIMESTAMPS = bytes.fromhex("0101080a0000000100000002")
COOKED = bytes.fromhex("0800 0000 00000002 0001 04 06 0200000000010000")
"""What `tcpdump -i any` writes before each packet: LINKTYPE_LINUX_SLL2."""

CAPTURED, SEGMENT = 160, 1400
"""Octets kept of a frame, and of data in a segment."""


class Subflow:
    """One way for data; the numbers of what was sent."""

    def __init__(self, hosts: tuple[str, str], ports: tuple[int, int]) -> None:
        self.hosts, self.ports, self.sent = hosts, ports, 1

    def frame(
        self, options: bytes, payload: int = 0, *, flags: int = ACK, back: bool = False
    ) -> bytes:
        """A frame that ends where the snap length cuts it, with the length on the wire before."""
        first = flags & SYN == 0  # a SYN has the number before that of the first octet
        numbers = (int(first), self.sent) if back else (self.sent - 1 + first, 1)
        packet = COOKED + tcp_packet(
            options, bytes(payload), flags=flags, numbers=numbers,
            hosts=self.hosts[::-1] if back else self.hosts,
            ports=self.ports[::-1] if back else self.ports,
        )  # fmt: skip
        return struct.pack("<II", min(len(packet), CAPTURED), len(packet)) + packet[:CAPTURED]


def connection(number: int, chance: random.Random) -> Iterator[bytes]:
    """The frames of a connection: handshakes, then data and acknowledgments without end."""
    client, server = chance.randbytes(8), chance.randbytes(8)
    port = 10000 + number
    one = Subflow((f"10.1.{number >> 8}.{number & 255}", "10.0.9.1"), (port, 5000))
    two = Subflow((f"10.2.{number >> 8}.{number & 255}", "10.0.9.1"), (port, 5000))
    yield one.frame(option("0101"), flags=SYN)
    yield one.frame(option(b"\x01\x01" + server), flags=SYN_ACK, back=True)
    yield one.frame(option(b"\x01\x01" + client + server))
    token = keys.token(server).to_bytes(4, "big")
    yield two.frame(option(b"\x10\x07" + token + chance.randbytes(4)), flags=SYN)
    yield two.frame(option(b"\x10\x00" + chance.randbytes(12)), flags=SYN_ACK, back=True)
    yield two.frame(option(b"\x10\x00" + chance.randbytes(20)))
    dsn, ack = keys.idsn(client) + 1, keys.idsn(server) + 1
    while True:
        path = chance.choice((one, two))
        again = chance.random() < 0.01
        mapping = struct.pack(
            "!BBQQIH", 0x20, 0x0F, ack, (dsn - again * SEGMENT) % 2**64, path.sent, SEGMENT
        )
        yield path.frame(TIMESTAMPS + option(mapping), SEGMENT)
        path.sent += SEGMENT
        dsn += SEGMENT * (not again)
        if chance.random() < 0.5:
            signal = struct.pack("!BBQ", 0x20, 0x03, dsn % 2**64)
            yield path.frame(TIMESTAMPS + option(signal), back=True)
        if chance.random() < 0.001:
            yield path.frame(TIMESTAMPS + option("51"))


def write(path: Path, packets: int, connections: int = 200) -> None:
    """Write a pcap file; the same one each time."""
    chance = random.Random(8684)  # noqa: S311 - not for secrets
    open_ones = [connection(number, chance) for number in range(connections)]
    with path.open("wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, CAPTURED, 276))
        for number in range(packets):
            seconds, fraction = divmod(number * 20, 10**6)
            file.write(struct.pack("<II", 1_700_000_000 + seconds, fraction))
            file.write(next(chance.choice(open_ones)))
