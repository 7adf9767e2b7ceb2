"""A box that drops segments, as firewalls do with SYNs whose options they do not know."""

from __future__ import annotations

from typing import Any

from lab.middlebox.box import Box, Outcome
from lab.middlebox.choice import Choice
from lab.middlebox.segment import Segment


class Drop(Box):
    """What is meant does not go on; arguments as for a Choice."""

    def __init__(self, **choice: Any) -> None:
        self._choice = Choice(**choice)

    def along(self, segment: Segment, now: float) -> Outcome:
        """Drop it, or let it pass."""
        return Outcome() if self._choice.takes(segment) else Outcome((segment,))
