"""What the MPTCP options of each packet of a capture mean, as lines of text."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lab.columns.annotate import Comment
from lab.columns.capture import Capture
from lab.columns.words import describe, rows


def comments(
    parts: Iterable[Capture], remarks: Mapping[int, Sequence[str]] | None = None
) -> Iterator[Comment]:
    """Yield the number of a packet and a line for each option, in the order of the capture.

    The lines of ``remarks`` about a packet, by its number, come behind those of its options.
    """
    said = ((number, line) for number, lines in sorted((remarks or {}).items()) for line in lines)
    yield from heapq.merge(_options(parts), said, key=lambda comment: comment[0])


def _options(parts: Iterable[Capture]) -> Iterator[Comment]:
    for part in parts:
        numbers = part.options.number.tolist()
        for number, row in zip(numbers, rows(part.options), strict=True):
            yield number, describe(row)
