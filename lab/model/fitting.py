"""Whether the values of one direction fit together, when it changes; files have lines to name."""

from __future__ import annotations

from collections.abc import Iterator

from lab.model.topology import Direction
from lab.units import duration_text


def misfits(direction: Direction) -> Iterator[str]:
    """What contradicts itself, or would do nothing."""
    if direction.queue and direction.rate is None:
        yield "a queue needs a rate in the same direction"
    if direction.jitter > direction.delay:
        yield (
            f"jitter of {duration_text(direction.jitter)} exceeds the delay, "
            f"{duration_text(direction.delay)}"
        )
    if direction.reorder and not direction.delay:
        yield "reordering needs a delay in the same direction"
