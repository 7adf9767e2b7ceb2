"""New data on a subflow that its receiver wants as a backup, while another one gets on.

RFC 8684, section 3.3.8 lets the sender do so, and no key proves the bit: this is a note at most. It
is looked for in captures taken at the sender, as only they show all that was sent, in its order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.verify.facts import Facts
from lab.verify.finding import Judgement, Place, note
from lab.verify.stream import Line, Stream
from lab.verify.subflow import FULL_32, SYN, Packet
from lab.wire.mptcp import MpJoinSyn, MpJoinSynAck, MpPrio, MptcpOption
from lab.wire.mptcp.tcp_options import split
from lab.wire.segment import Flags

ACK, ENDS = int(Flags.ACK), int(Flags.FIN | Flags.RST)

WINDOW_SCALE, LARGEST_SHIFT = 3, 14
"""The kind of that option, and what it says at most (RFC 7323, section 2)."""


def judge(facts: Facts) -> Iterator[Judgement]:
    """Follow what each host sends in each capture that was taken there."""
    if facts.fallback or len(facts.connection.subflows) == 1:
        return
    for stream in facts.streams:
        files = {view.file for line in stream.lines for view in line.subflow.views}
        for file in sorted(files):
            yield from _Sender(stream, file).judge()


@dataclass(slots=True, eq=False)
class _Path:
    """One subflow, as its sender knows it."""

    line: Line
    backup: bool = False
    """Whether the receiver wants it as a backup."""
    until: int = 0
    """Data before this place may have been given to the subflow before that."""
    at: int = 0
    """Where the receiver's window begins, as a place in the data."""
    shift: int = LARGEST_SHIFT
    """The window's unit is 1 << shift octets."""
    acknowledged: int | None = None
    """Of the subflow; None: nothing has come back yet."""
    ended: bool = False
    waiting: list[Packet] = field(default_factory=list)
    """New data sent here, until it is known that another subflow gets on."""
    used: list[Packet] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether it is established, and no backup."""
        return self.acknowledged is not None and not self.backup and not self.ended


class _Sender:
    """What one host sends on all subflows, in one capture."""

    def __init__(self, stream: Stream, file: str) -> None:
        self._host = stream.host
        self._end = self._edge = 0
        """Behind the data that were sent; and behind those that the receiver has room for."""
        self._paths = [_Path(line) for line in stream.lines]
        self._seen = self._packets(file)
        self._places = _places(stream)
        self._acks = {each.packet.place: each.at for seen in stream.acknowledged for each in seen}

    def _packets(self, file: str) -> list[tuple[Packet, _Path]]:
        found = [
            (packet, path)
            for path in self._paths
            for view in path.line.subflow.views
            if view.file == file
            for packet in view.packets
        ]
        return sorted(found, key=lambda pair: pair[0].place.number)

    def judge(self) -> Iterator[Judgement]:
        if not all(p.segment.outgoing is self._sends(p, path) for p, path in self._seen):
            return  # it was not taken at the sender, or it does not tell
        for packet, path in self._seen:
            path.ended |= bool(packet.flags & ENDS)
            if self._sends(packet, path):
                self._sent(packet, path)
            else:
                self._received(packet, path)
        for path in self._paths:
            if path.used:
                sentence = (
                    f"{path.line.subflow}: {len(path.used)} segments with new data, though the "
                    "receiver wants it as a backup and another subflow gets on"
                )
                yield note("section 3.3.8", sentence, path.used[0].place)

    def _sends(self, packet: Packet, path: _Path) -> bool:
        return packet.segment.source == path.line.subflow.end(self._host)

    def _sent(self, packet: Packet, path: _Path) -> None:
        at = self._places.get(packet.place)
        if at is None:
            return
        new = at >= max(self._end, path.until)
        self._end = max(self._end, at + packet.segment.payload)
        if path.backup and new and any(each.usable for each in self._paths):
            path.waiting.append(packet)

    def _received(self, packet: Packet, path: _Path) -> None:
        path.at = self._acks.get(packet.place, path.at)
        if packet.flags & SYN:  # whose own window is not scaled
            path.shift = _shift(packet.segment.options)
        else:
            self._edge = max(self._edge, path.at + (packet.segment.window << path.shift))
        for option in packet.options(MptcpOption):
            if isinstance(option, MpJoinSyn | MpJoinSynAck):
                path.backup = bool(option.backup)
            elif isinstance(option, MpPrio) and option.address_id is None:
                path.backup, path.until = bool(option.backup), self._edge
        if packet.flags & ACK and not packet.segment.rst:  # in others, the number means nothing
            self._acknowledged(packet.segment.ack, path)

    def _acknowledged(self, ack: int, path: _Path) -> None:
        before = path.acknowledged
        if before is None or 0 < (ack - before) % FULL_32 < FULL_32 // 2:
            path.acknowledged = ack
            self._got_on(path)

    def _got_on(self, path: _Path) -> None:
        """Of what was sent before on backups, one could have used this subflow."""
        if path.usable:
            for other in self._paths:
                other.used += other.waiting
                other.waiting.clear()


def _places(stream: Stream) -> dict[Place, int]:
    """Return the place of each segment's data that a mapping covers."""
    found = {}
    for line in stream.lines:
        for sent in line.sent:
            mapped = line.mapping_of(sent.ssn)
            if mapped:
                found[sent.packet.place] = mapped.at + sent.ssn - mapped.ssn
    return found


def _shift(options: bytes) -> int:
    """Return what the window scale option of a SYN says; without one, windows are not scaled."""
    scales = [piece[2] for piece in split(options) if piece[0] == WINDOW_SCALE and len(piece) == 3]
    return min(scales[0], LARGEST_SHIFT) if scales else 0
