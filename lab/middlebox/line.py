"""The boxes of a link in a row, which both directions pass: frames in, frames out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lab.middlebox.box import Box, Outcome
from lab.middlebox.kinds import Declared
from lab.middlebox.segment import Segment, read, write

THERE, BACK = 1, -1
"""The two directions, as steps along the row."""

Sent = tuple[int, bytes]
"""A frame that leaves the link, and in which direction."""


class Place(NamedTuple):
    """A box in the row."""

    box: Box
    faces: int
    """the direction that it belongs to"""


class Line:
    """``there`` and ``back`` are the boxes of each direction, in the order that packets meet."""

    def __init__(self, there: Iterable[Declared], back: Iterable[Declared]) -> None:
        self._places = [Place(each.make(), THERE) for each in there]
        self._places += reversed([Place(each.make(), BACK) for each in back])
        self.acted = [0] * len(self._places)
        """How many segments each box did not let pass as they were, in the order of the row."""

    def passes(self, frame: bytes, direction: int, now: float) -> Iterator[Sent]:
        """What becomes of a frame that enters the link; ``now`` is in seconds, of any clock."""
        segment = read(frame)
        if segment is None:
            yield direction, frame
            return
        start = 0 if direction == THERE else len(self._places) - 1
        for way, result in self._walk(segment, start, direction, now):
            yield way, frame if result is segment else write(result)

    @property
    def deadline(self) -> float | None:
        """When :meth:`overdue` is to be called, on the clock of ``now``."""
        deadlines = [place.box.deadline for place in self._places]
        return min((each for each in deadlines if each is not None), default=None)

    def overdue(self, now: float) -> Iterator[Sent]:
        """What boxes held back until ``now``, and no longer."""
        for number, (box, faces) in enumerate(self._places):
            if box.deadline is not None and box.deadline <= now:
                for way, result in self._follow(Outcome(box.overdue()), number, faces, now):
                    yield way, write(result)

    def _walk(
        self, segment: Segment, number: int, direction: int, now: float
    ) -> Iterator[tuple[int, Segment]]:
        if not 0 <= number < len(self._places):
            yield direction, segment
            return
        box, faces = self._places[number]
        outcome = box.along(segment, now) if faces == direction else box.against(segment)
        if faces == direction and outcome.on != (segment,):
            self.acted[number] += 1
        yield from self._follow(outcome, number, direction, now)

    def _follow(
        self, outcome: Outcome, number: int, direction: int, now: float
    ) -> Iterator[tuple[int, Segment]]:
        for segments, way in ((outcome.returned, -direction), (outcome.on, direction)):
            for segment in segments:
                yield from self._walk(segment, number + way, way, now)
