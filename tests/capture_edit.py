"""A recorded capture whose options can be changed, to see that the change is noticed.

tests/data/verify holds captures of Linux 6.18 in topologies/two_paths.yaml, payload and all: an
address announced (over IPv4 with a port) and withdrawn, joins, MP_PRIO, and then DATA_FIN with a
reset subflow before it (``fin``), or MP_FASTCLOSE; two of them with DSS checksums.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.wire import mptcp
from lab.wire.mptcp import MptcpOption
from lab.wire.reading import Capture, read_records
from lab.wire.segment import decode

DATA = Path(__file__).parent / "data" / "verify"
NOP = b"\x01"
IP = 20
"""Where the packet begins behind the header of LINKTYPE_LINUX_SLL2."""

Condition = Callable[[Any], bool]


class Editable:
    """The frames of a capture in memory."""

    def __init__(self, name: str | Path) -> None:
        self.name = str(name)
        records = read_records(name if isinstance(name, Path) else DATA / f"{name}.pcap")
        self.link_type = records[0].interface.link_type
        self.frames = [bytearray(record.frame) for record in records]

    def capture(self) -> Capture:
        """What a reader of the changed file would see."""
        segments = (
            decode(bytes(frame), self.link_type, number, float(number))
            for number, frame in enumerate(self.frames, 1)
        )
        return Capture(self.name, tuple(filter(None, segments)), len(self.frames), 1.0, 0)

    def find(self, kind: type[MptcpOption], nth: int, where: Condition) -> tuple[int, int, bytes]:
        """The frame of the nth such option, where its value begins there, and its octets."""
        for index, frame in enumerate(self.frames):
            segment = decode(bytes(frame), self.link_type, index + 1, 0.0)
            for value in mptcp.values(segment.options) if segment else ():
                if issubclass(mptcp.layer_for(value), kind) and where(MptcpOption(value)):
                    if nth == 0:
                        return index, bytes(frame).index(bytes([30, len(value) + 2]) + value), value
                    nth -= 1
        raise AssertionError(f"{self.name} has no such {kind.__name__}")

    def edit(
        self,
        kind: type[MptcpOption],
        nth: int = 0,
        where: Condition = lambda o: True,
        **fields: Any,
    ) -> None:
        """Change fields of an option; a function is given what was there."""
        index, at, value = self.find(kind, nth, where)
        option = MptcpOption(value)
        for name, new in fields.items():
            setattr(option, name, new(getattr(option, name)) if callable(new) else new)
        octets = bytes(option)
        assert len(octets) == len(value), "the option would have another length"
        assert octets != value, "nothing was changed"
        self.frames[index][at + 2 : at + 2 + len(value)] = octets

    def patch(
        self, kind: type[MptcpOption], octets: dict[int, int], nth: int = 0,
        where: Condition = lambda o: True,
    ) -> None:  # fmt: skip
        """Change octets of an option, counted from its kind; 2 is the first of the value."""
        index, at, _ = self.find(kind, nth, where)
        for offset, octet in octets.items():
            self.frames[index][at + offset] = octet

    def remove(
        self, kind: type[MptcpOption], nth: int = 0, where: Condition = lambda o: True
    ) -> None:
        """Put NOPs in the place of an option."""
        index, at, value = self.find(kind, nth, where)
        self.frames[index][at : at + 2 + len(value)] = NOP * (2 + len(value))

    def swap(self, kind: type[MptcpOption], one: int, other: int, where: Condition,
             fields: tuple[str, ...] = ()) -> None:  # fmt: skip
        """Exchange two options as a whole, or some of their fields."""
        (_, _, first), (_, _, second) = self.find(kind, one, where), self.find(kind, other, where)
        here, there = MptcpOption(first), MptcpOption(second)
        names = fields or tuple(field.name for field in here.fields_desc)
        values = [{name: getattr(option, name) for name in names} for option in (there, here)]
        seen = self.find(kind, one, where), self.find(kind, other, where)
        for (index, at, value), new, option in zip(seen, values, (here, there), strict=True):
            for name, content in new.items():
                setattr(option, name, content)
            self.frames[index][at + 2 : at + 2 + len(value)] = bytes(option)

    def without_reset(self, kind: type[MptcpOption]) -> None:
        """Take the flag RST from the segment with an option."""
        index, _, _ = self.find(kind, 0, lambda o: True)
        start = IP + (20 if self.frames[index][IP] >> 4 == 4 else 40)
        self.frames[index][start + 13] &= ~4

    def payload(self, nth: int) -> None:
        """Flip a bit in the last octet of the nth segment with data."""
        for frame in self.frames:
            segment = decode(bytes(frame), self.link_type, 1, 0.0)
            if segment and segment.data:
                if nth == 0:
                    frame[-1] ^= 1
                    return
                nth -= 1
        raise AssertionError("no such payload")
