"""A box that changes the bytes of a stream, as a NAT does that knows an application's protocol."""

from __future__ import annotations

import bisect
from typing import NamedTuple

from lab.middlebox.box import Box, Flows, Outcome
from lab.middlebox.options import SPACE, map_sack
from lab.middlebox.segment import ACK, SYN, Segment
from lab.middlebox.split import pieces


class Changed(NamedTuple):
    """What was done to a flow."""

    begun: int | None = None
    """the SYN's sequence number; None if the box has not seen it"""
    places: tuple[int, ...] = ()
    """where texts were replaced in the stream as it was sent, counted from the SYN; in order"""


class Payload(Box):
    """``text`` is replaced by ``other`` wherever a segment holds it as a whole.

    Where their lengths differ, the sequence numbers after it are moved, and acknowledgments are
    moved back. The box knows nothing of Multipath TCP: mappings, lengths and checksums stay.
    """

    def __init__(self, *, text: str, other: str) -> None:
        self._text, self._other = text.encode(), other.encode()
        self._moves = len(self._other) - len(self._text)
        self._flows = Flows(Changed())

    def along(self, segment: Segment, now: float) -> Outcome:
        """Replace the text in it, and move it by what was replaced before."""
        if segment.flags & SYN:
            self._flows.keep(segment, Changed(segment.seq))
            return Outcome((segment,))
        if not self._moves:
            return Outcome((self._replaced(segment),))
        changed = self._flows.of(segment)
        if changed.begun is None:
            return Outcome((segment,))
        place = (segment.seq - changed.begun) % SPACE
        changed = self._with_changes(changed, place, segment.payload)
        self._flows.keep(segment, changed)
        moved = segment._replace(seq=(changed.begun or 0) + self._onward(changed, place))
        moved = self._replaced(moved._replace(seq=moved.seq % SPACE))
        return Outcome(pieces(moved, max(len(segment.payload), 1)))

    def against(self, segment: Segment) -> Outcome:
        """Move back what it acknowledges."""
        changed = self._flows.against(segment)
        begun = changed.begun
        if begun is None or not changed.places or not segment.flags & ACK:
            return Outcome((segment,))

        def back(number: int) -> int:
            return begun + self._backward(changed, (number - begun) % SPACE)

        ack = back(segment.ack) % SPACE
        return Outcome((segment._replace(ack=ack, options=map_sack(segment.options, back)),))

    def _replaced(self, segment: Segment) -> Segment:
        payload = segment.payload.replace(self._text, self._other)
        return segment if payload == segment.payload else segment._replace(payload=payload)

    def _with_changes(self, changed: Changed, place: int, payload: bytes) -> Changed:
        """Note what is about to be replaced, unless it was before: data may come again."""
        places = changed.places
        at = payload.find(self._text)
        while at >= 0:
            number = bisect.bisect_left(places, place + at)
            if places[number : number + 1] != (place + at,):
                places = (*places[:number], place + at, *places[number:])
            at = payload.find(self._text, at + len(self._text))
        return changed._replace(places=places)

    def _onward(self, changed: Changed, place: int) -> int:
        """Where a place of the stream as it was sent is in the stream that goes on."""
        before = bisect.bisect_left(changed.places, place - len(self._text) + 1)
        return place + before * self._moves

    def _backward(self, changed: Changed, place: int) -> int:
        """The opposite; in the middle of a text that was put there, roughly."""

        def arrives(number: int) -> int:
            return changed.places[number] + number * self._moves

        before = bisect.bisect_left(range(len(changed.places)), place, key=arrives)
        return place - before * self._moves
