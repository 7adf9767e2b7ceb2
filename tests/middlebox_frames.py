"""Frames for middleboxes, built and read by Scapy."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from lab.middlebox.kinds import Declared
from lab.middlebox.line import BACK, THERE, Line
from lab.wire.mptcp import Dss, MpCapableSyn

CLIENT, SERVER = "10.0.1.1", "10.0.9.2"
CLIENT6, SERVER6 = "fd00:1::1", "fd00:9::2"
PORTS = (40000, 5001)

CAPABLE = ("MPTCP", MpCapableSyn(flags="H"))
MAPPING = ("MPTCP", Dss(flags="M", dsn=1000, ssn=1, data_level_length=1400))
STAMPS = ("Timestamp", (1, 2))


def there(
    flags: str = "A", payload: bytes = b"", *, seq: int = 1001, ack: int = 0,
    options: Any = (), family: int = 4,
) -> bytes:  # fmt: skip
    """A frame from client to server."""
    ip = IP(src=CLIENT, dst=SERVER) if family == 4 else IPv6(src=CLIENT6, dst=SERVER6)
    return _frame(ip, PORTS, flags, payload, seq=seq, ack=ack, options=options)


def back(
    flags: str = "A", payload: bytes = b"", *, seq: int = 5001, ack: int = 0,
    options: Any = (), family: int = 4,
) -> bytes:  # fmt: skip
    """A frame from server to client."""
    ip = IP(src=SERVER, dst=CLIENT) if family == 4 else IPv6(src=SERVER6, dst=CLIENT6)
    return _frame(ip, PORTS[::-1], flags, payload, seq=seq, ack=ack, options=options)


def _frame(ip: Packet, ports: tuple[int, int], flags: str, payload: bytes, **tcp: Any) -> bytes:
    header = TCP(
        sport=ports[0], dport=ports[1], flags=flags, **tcp | {"options": list(tcp["options"])}
    )
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / ip / header / payload)


def line(*boxes: tuple[str, dict[str, Any]], facing: int = THERE) -> Line:
    """Boxes that belong to one direction."""
    declared = [Declared(*box) for box in boxes]
    return Line(declared, ()) if facing == THERE else Line((), declared)


def outcome(line: Line, frame: bytes, direction: int = THERE, now: float = 0.0) -> list[bytes]:
    """What leaves in the frame's own direction; nothing must leave in the other."""
    sent = list(line.passes(frame, direction, now))
    assert all(way == direction for way, _ in sent)
    return [each for _, each in sent]


def tcp(frame: bytes) -> Packet:
    """The TCP layer of a frame whose checksums and lengths are right."""
    packet = Ether(frame)
    again = packet.copy()
    for layer, fields in ((IP, ("len", "chksum")), (IPv6, ("plen",)), (TCP, ("chksum",))):
        if layer in again:
            for field in fields:
                delattr(again[layer], field)
    assert bytes(again) == frame, f"{packet.show(dump=True)} has wrong lengths or checksums"
    return packet[TCP]


def payload(frame: bytes) -> bytes:
    """The data of a segment."""
    return bytes(tcp(frame).payload)


__all__ = ["BACK", "CAPABLE", "MAPPING", "STAMPS", "THERE", "back", "line", "outcome", "payload",
           "tcp", "there"]  # fmt: skip
