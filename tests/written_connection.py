"""A capture of one connection, written frame by frame: every octet of it is known."""

from __future__ import annotations

import struct

import numpy as np
from capture_files import option, tcp_packet, timed_file

from lab.columns.analysis import Analysis
from lab.columns.capture import Capture, decoded
from lab.wire import keys

SYN, SYN_ACK, ACK = 0x02, 0x12, 0x10
CLIENT_KEY, SERVER_KEY = 0x0123456789ABCDEF, 0xFEDCBA9876543210
WIFI, LTE = (("10.0.1.1", 40000), ("10.0.9.1", 5000)), (("10.0.2.1", 40001), ("10.0.9.1", 5000))
FIRST = keys.first_dsn(CLIENT_KEY)


class Wire:
    """Frames of one connection, written down as they pass."""

    def __init__(self, isn: int = 0xFFFFFF00) -> None:
        self.frames: list[tuple[float, bytes]] = []
        self.isn = isn

    def put(
        self, time: float, path, value: str, *, seq: int = 1, ack: int = 1, flags: int = ACK,
        payload: int = 0, back: bool = False,
    ) -> None:  # fmt: skip
        one, other = path[::-1] if back else path
        frame = tcp_packet(
            option(value) if value else b"", bytes(payload), flags=flags,
            hosts=(one[0], other[0]), ports=(one[1], other[1]),
            numbers=((self.isn + seq) % 2**32, (self.isn + ack) % 2**32 if flags & ACK else 0),
        )  # fmt: skip
        self.frames.append((time, frame))

    def open(self) -> None:
        self.put(1.0, WIFI, "0101", seq=0, ack=0, flags=SYN)
        self.put(1.01, WIFI, f"0101{SERVER_KEY:016x}", seq=0, flags=SYN_ACK, back=True)
        self.put(1.02, WIFI, f"0101{CLIENT_KEY:016x}{SERVER_KEY:016x}")

    def join(self, time: float, backup: bool = False) -> None:
        token = keys.token(SERVER_KEY)
        value = f"1{int(backup)}07{token:08x}0badcafe"
        self.put(time, LTE, value, seq=0, ack=0, flags=SYN)

    def data(self, time: float, path, at: int, octets: int, ssn: int, **more) -> None:
        """Octets from ``at`` of the data, at octet ``ssn`` of the subflow."""
        mapping = struct.pack("!QIH", (FIRST + at) % 2**64, ssn, octets).hex()
        self.put(time, path, "200c" + mapping, seq=ssn, payload=octets, **more)

    def acked(self, time: float, path, ack: int) -> None:
        self.put(time, path, "2001" + "00000000", ack=ack, back=True)

    def file(self) -> bytes:
        return timed_file(self.frames)

    def hand_over(self) -> None:
        """Data on the first path, once in vain, then on the second one."""
        self.join(1.05)
        for n in range(10):
            self.data(2 + n / 10, WIFI, 1000 * n, 1000, 1 + 1000 * n)
        self.data(3.0, WIFI, 9000, 1000, 9001)
        for n in range(30):
            self.data(3.3 + n / 10, LTE, 10000 + 1000 * n, 1000, 1 + 1000 * n)

    def analysis(self, at_most: int = 1 << 16) -> Analysis:
        octets = np.frombuffer(self.file(), np.uint8)
        return Analysis.of(Capture.joined(list(decoded(octets, "x", at_most))))
