"""A box that makes one segment of several, as receive offload and some proxies do."""

from __future__ import annotations

from typing import NamedTuple

from lab.middlebox.box import Box, Outcome
from lab.middlebox.options import SPACE
from lab.middlebox.segment import ACK, FIN, PSH, Segment


class Held(NamedTuple):
    """A segment that waits for the next one."""

    segment: Segment
    until: float
    """seconds, on the clock of ``now``"""


class Coalesce(Box):
    """Data that follows data of the same flow within ``wait`` seconds is appended to it.

    What goes on has at most ``size`` bytes of payload and the options of its first part: those of
    the others, mappings of Multipath TCP too, are lost (RFC 8684, section 3.3.1). Only one segment
    is held at a time, so that nothing is overtaken.
    """

    def __init__(self, *, size: int, wait: float) -> None:
        self._size, self._wait = size, wait
        self._held: Held | None = None

    @property
    def deadline(self) -> float | None:  # type: ignore[override]  # only read by others
        """When the held segment has waited long enough."""
        return self._held and self._held.until

    def along(self, segment: Segment, now: float) -> Outcome:
        """Append it to what is held; or let that go on, and hold or pass on this one."""
        held = self._held
        if held and self._continues(held.segment, segment):
            return self._hold_or_pass((), _joined(held.segment, segment), held.until)
        return self._hold_or_pass(self.overdue(), segment, now + self._wait)

    def overdue(self) -> tuple[Segment, ...]:
        """Let go of what is held."""
        held, self._held = self._held, None
        return (held.segment,) if held else ()

    def _hold_or_pass(self, before: tuple[Segment, ...], segment: Segment, until: float) -> Outcome:
        holds = _plain_data(segment) and len(segment.payload) < self._size
        self._held = Held(segment, until) if holds else None
        return Outcome(before if holds else (*before, segment))

    def _continues(self, held: Segment, segment: Segment) -> bool:
        return (
            segment.flow == held.flow
            and segment.seq == (held.seq + len(held.payload)) % SPACE
            and (_plain_data(segment) or segment.flags & ~PSH == ACK | FIN)
            and len(held.payload) + len(segment.payload) <= self._size
        )


def _plain_data(segment: Segment) -> bool:
    return bool(segment.payload) and segment.flags & ~PSH == ACK


def _joined(first: Segment, second: Segment) -> Segment:
    return first._replace(
        ack=second.ack,
        window=second.window,
        flags=first.flags | second.flags,
        payload=first.payload + second.payload,
    )
