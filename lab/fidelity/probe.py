"""Packets that measure a link: numbered, and found again at its other end. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

HEADERS = 14 + 20 + 8
"""bytes before the payload: Ethernet, IPv4 and UDP"""

SMALLEST = HEADERS + 18
"""bytes of the smallest frame of Ethernet, without its checksum"""

_PAYLOAD = struct.Struct(">8sI")
_MARK = b"mptcplab"
_CHECKED = slice(40, 42)
"""The checksum of UDP: the kernel may leave it to a later interface."""


class Passed(NamedTuple):
    """One packet that passed."""

    time: int
    """nanoseconds since the epoch"""
    start: bytes
    """its first bytes, from the Ethernet header on"""


def payload(number: int, size: int) -> bytes:
    """The payload of the packet with that number, whose frame has ``size`` bytes."""
    return _PAYLOAD.pack(_MARK, number).ljust(size - HEADERS, b"\0")


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of the packets that were sent through one direction of a link."""

    sent: dict[int, int]
    """When each left the end where it was sent, by its number; nanoseconds since the epoch."""
    arrived: tuple[tuple[int, int], ...]
    """Time and number of each packet that came to the other end, in the order of their times."""
    altered: int = 0
    """Packets that came, and are not what was sent."""

    def first_arrivals(self) -> list[tuple[int, int]]:
        """As ``arrived``, without what is there a second time."""
        known: set[int] = set()
        return [
            (time, number)
            for time, number in self.arrived
            if number not in known and not known.add(number)  # type: ignore[func-returns-value]
        ]

    def delays(self) -> list[int]:
        """Nanoseconds that each packet was under way, in the order of the arrivals."""
        return [time - self.sent[number] for time, number in self.first_arrivals()]

    @property
    def lost(self) -> int:
        """How many never came, unless they were altered."""
        missing = len(self.sent) - len({number for _, number in self.arrived})
        return max(0, missing - self.altered)

    @property
    def repeated(self) -> int:
        """How many came again."""
        return len(self.arrived) - len({number for _, number in self.arrived})


def ours(passed: Passed) -> bool:
    """Whether it is a packet that measures."""
    return _number(passed.start) is not None


def seen(sent: Iterable[Passed], arrived: Iterable[Passed]) -> Seen:
    """Find the packets that were sent among those that arrived."""
    known = {number: passed for passed in sent if (number := _number(passed.start)) is not None}
    came, altered = [], 0
    for passed in arrived:
        number = _number(passed.start)
        original = known.get(-1 if number is None else number)
        if number is None or original is None or _content(passed) != _content(original):
            altered += 1
        else:
            came.append((passed.time, number))
    return Seen({number: each.time for number, each in known.items()}, tuple(sorted(came)), altered)


def _number(start: bytes) -> int | None:
    """The number of a packet of ours."""
    if len(start) < HEADERS + _PAYLOAD.size:
        return None
    mark, number = _PAYLOAD.unpack_from(start, HEADERS)
    return int(number) if mark == _MARK else None


def _content(passed: Passed) -> bytes:
    content = bytearray(passed.start[:SMALLEST])
    content[_CHECKED] = b"\0\0"
    return bytes(content)
