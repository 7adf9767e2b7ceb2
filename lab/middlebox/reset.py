"""A box that ends connections with RST, in the name of the other end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lab.middlebox.box import Box, Outcome
from lab.middlebox.choice import Choice
from lab.middlebox.options import SPACE
from lab.middlebox.segment import ACK, RST, Segment

TO: Final[Mapping[str, Callable[[Segment], Outcome]]] = {
    "sender": lambda segment: Outcome(returned=(answer(segment),)),
    "both": lambda segment: Outcome((forward(segment),), (answer(segment),)),
}
"""Whom the box tells."""


class Reset(Box):
    """What is meant is answered with RST, and does not go on; ``choice`` as for a Choice."""

    def __init__(self, *, to: str = "sender", **choice: Any) -> None:
        self._outcome, self._choice = TO[to], Choice(**choice)

    def along(self, segment: Segment, now: float) -> Outcome:
        """Answer it, or let it pass; never answer RST with RST (RFC 9293, section 3.10.7.1)."""
        if self._choice.takes(segment) and not segment.flags & RST:
            return self._outcome(segment)
        return Outcome((segment,))


def answer(segment: Segment) -> Segment:
    """The RST that a host without this connection answers (RFC 9293, section 3.10.7.1)."""
    if segment.flags & ACK:
        return _bare(segment.turned(seq=segment.ack, ack=0, flags=RST))
    return _bare(segment.turned(seq=0, ack=(segment.seq + segment.length) % SPACE, flags=RST | ACK))


def forward(segment: Segment) -> Segment:
    """The RST that takes the segment's place on its way."""
    return _bare(segment._replace(flags=RST | segment.flags & ACK))


def _bare(segment: Segment) -> Segment:
    return segment._replace(options=b"", payload=b"", window=0, urgent=0)
