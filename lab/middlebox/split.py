"""A box that makes several segments of one, as cards do for a sender that leaves it to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lab.middlebox.box import Box, Outcome
from lab.middlebox.options import SPACE
from lab.middlebox.segment import CWR, FIN, PSH, SYN, Segment

OPTIONS: Final[Mapping[str, Callable[[int], bool]]] = {
    "all": lambda _place: True,
    "first": lambda place: place == 0,
}
"""Which pieces have the options: segmentation offload copies the header to all of them; RFC 8684,
section 3.3.1, wants both to work."""


class Split(Box):
    """No segment that goes on has more than ``size`` bytes of payload."""

    def __init__(self, *, size: int, options: str = "all") -> None:
        self._size, self._has_options = size, OPTIONS[options]

    def along(self, segment: Segment, now: float) -> Outcome:
        """Split it where it is longer."""
        return Outcome(pieces(segment, self._size, self._has_options))


def pieces(
    segment: Segment, size: int, has_options: Callable[[int], bool] = OPTIONS["all"]
) -> tuple[Segment, ...]:
    """A segment as several, each with at most ``size`` bytes of payload; a SYN stays as it is."""
    if len(segment.payload) <= size or segment.flags & SYN:
        return (segment,)
    starts = range(0, len(segment.payload), size)
    return tuple(
        segment._replace(
            seq=(segment.seq + start) % SPACE,
            flags=_flags(segment.flags, start == 0, start == starts[-1]),
            options=segment.options if has_options(place) else b"",
            payload=segment.payload[start : start + size],
        )
        for place, start in enumerate(starts)
    )


def _flags(flags: int, first: bool, last: bool) -> int:
    """As tcp_gso_segment() in the kernel's net/ipv4/tcp_offload.c: CWR first, FIN and PSH last."""
    return flags & ~(0 if first else CWR) & ~(0 if last else FIN | PSH)
