"""What the MPTCP options of each packet of a capture mean, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab.columns.annotate import Comment
from lab.columns.capture import Capture
from lab.columns.words import describe, rows


def comments(parts: Iterable[Capture]) -> Iterator[Comment]:
    """Yield the number of a packet and a line for each option, in the order of the capture."""
    for part in parts:
        numbers = part.options.number.tolist()
        for number, row in zip(numbers, rows(part.options), strict=True):
            yield number, describe(row)
