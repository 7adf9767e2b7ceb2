"""A box that removes TCP options, as many firewalls do with those that they do not know."""

from __future__ import annotations

from typing import Any

from lab.middlebox import options
from lab.middlebox.box import Box, Outcome
from lab.middlebox.choice import Choice
from lab.middlebox.segment import Segment


class Strip(Box):
    """NOPs take the option's place, so that no length changes; arguments as for a Choice."""

    def __init__(self, *, option: int, **choice: Any) -> None:
        self._choice = Choice(option=option, **choice)

    def along(self, segment: Segment, now: float) -> Outcome:
        """Strip the options that are meant."""
        wanted = self._choice.wanted
        if not self._choice.takes(segment) or wanted is None:
            return Outcome((segment,))
        left = options.change(segment.options, wanted, _nothing)
        return Outcome((segment._replace(options=left),))


def _nothing(option: bytes) -> bytes:
    return bytes([options.NOP]) * len(option)
