"""Which segments a box concerns itself with, for all the kinds that choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from lab.middlebox import options
from lab.middlebox.box import Flows
from lab.middlebox.segment import SYN, Segment

SEGMENTS: Final[Mapping[str, Callable[[Segment], bool]]] = {
    "syn": lambda segment: bool(segment.flags & SYN),
    "not-syn": lambda segment: not segment.flags & SYN,
    "all": lambda _segment: True,
}
"""What ``from`` may say: SYN and SYN/ACK, the others, or both."""


class Passed(NamedTuple):
    """What of a flow has passed the box before a segment."""

    packets: int = 0
    payload: int = 0
    """bytes"""


class Choice:
    """Segments from some moment of a flow on, perhaps only those with an option.

    ``option`` is a kind and ``subtype`` one of Multipath TCP's; ``origin`` is one of ``SEGMENTS``.
    The first ``packets`` and the first ``payload`` bytes of a flow, in the box's direction and as
    they were sent, repetitions included, are none of its business.
    """

    def __init__(
        self,
        *,
        option: int | None = None,
        subtype: str | None = None,
        origin: str = "all",
        packets: int = 0,
        payload: int = 0,
    ) -> None:
        kind = None if subtype is None else options.SUBTYPES[subtype]
        self.wanted = options.wanted(option, kind) if option is not None else None
        self._origin = SEGMENTS[origin]
        self._after = Passed(packets, payload)
        self._flows = Flows(Passed())

    def takes(self, segment: Segment) -> bool:
        """Whether the segment, which passes now, is one of them."""
        passed = self._flows.of(segment)
        self._flows.keep(segment, Passed(passed.packets + 1, passed.payload + len(segment.payload)))
        return (
            passed.packets >= self._after.packets
            and passed.payload >= self._after.payload
            and self._origin(segment)
            and self._has_option(segment)
        )

    def _has_option(self, segment: Segment) -> bool:
        wanted = self.wanted
        return wanted is None or any(wanted(each) for _, each in options.walk(segment.options))
