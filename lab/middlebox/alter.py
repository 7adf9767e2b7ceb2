"""A box that changes one bit of a TCP option."""

from __future__ import annotations

from typing import Any

from lab.middlebox import options
from lab.middlebox.box import Box, Outcome
from lab.middlebox.choice import Choice
from lab.middlebox.segment import Segment

LOWEST = 0x01
"""the bit that is changed"""


class Alter(Box):
    """The lowest bit of one octet is the other one; further arguments as for a Choice.

    ``octet`` counts as the figures of the RFCs do: 0 is the kind and 1 the length; None is the
    last one. An option that is not so long stays as it is.
    """

    def __init__(self, *, option: int, octet: int | None = None, **choice: Any) -> None:
        self._choice = Choice(option=option, **choice)
        self._octet = octet

    def along(self, segment: Segment, now: float) -> Outcome:
        """Alter the options that are meant."""
        wanted = self._choice.wanted
        if not self._choice.takes(segment) or wanted is None:
            return Outcome((segment,))
        altered = options.change(segment.options, wanted, self._altered)
        return Outcome((segment._replace(options=altered),))

    def _altered(self, option: bytes) -> bytes:
        at = len(option) - 1 if self._octet is None else self._octet
        if not 2 <= at < len(option):
            return option
        return option[:at] + bytes([option[at] ^ LOWEST]) + option[at + 1 :]
