"""What VDE's wirefilter does exactly, and how it is told. Pure.

The facts are those of src/wirefilter.c in vde-2. It counts whole milliseconds. It keeps packets in
order, but has one order for both directions: a packet of one never leaves before an earlier one of
the other. So two directions that delay differently need a process each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lab.errors import Unsupported
from lab.model import Direction
from lab.units import duration_text

MILLISECOND = 0.001

NOTHING = Direction()

HALF = 0.5
"""milliseconds. packet_enqueue() cuts off what is not whole, so that a half more means rounding;
and it keeps a delay of 0 in the order of packets, which a bare 0 would leave."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What one process does: to the direction from its left plug, and to the one from its right."""

    there: Direction
    back: Direction
    serves: tuple[bool, bool] = (True, True)
    """Whether it has to do with there and with back; what it does not serve is another's."""
    delayed: tuple[bool, bool] = (False, False)
    """Whether it has ever delayed there, and back: their packets have to be kept in order then."""

    @classmethod
    def of(cls, there: Direction, back: Direction) -> tuple[Terms, ...]:
        """The terms for one process after another, in the order of the direction there."""
        nothing = cls(NOTHING, NOTHING)
        try:
            return (nothing.changed(there, back),)
        except Unsupported:
            ways = ((True, False), (False, True))
            return tuple(replace(nothing, serves=way).changed(there, back) for way in ways)

    def changed(self, there: Direction, back: Direction) -> Terms:
        """The terms of the same process when the link becomes so.

        :raises Unsupported: it would need a process more.
        """
        there, back = (
            direction if serves else NOTHING
            for direction, serves in zip((there, back), self.serves, strict=True)
        )
        delayed = (self.delayed[0] or there.delay > 0, self.delayed[1] or back.delay > 0)
        if all(delayed) and not (there.delay == back.delay and not there.jitter + back.jitter):
            raise Unsupported(
                "one wirefilter cannot begin to delay the two directions differently, or with "
                "jitter: declare different delays, or jitter, in the topology"
            )
        return replace(self, there=there, back=back, delayed=delayed)

    def commands(self) -> Iterator[str]:
        """What to write to its console."""
        ways = zip(("LR", "RL"), (self.there, self.back), self.delayed, strict=True)
        for way, direction, delayed in ways:
            yield f"delay {way}{_delay(direction) if delayed else 0}"
            yield f"loss {way}{_percent(direction.loss)}"


def check(link: str, direction: Direction) -> None:
    """See that wirefilter can do exactly what ``direction`` declares.

    :raises Unsupported: it cannot.
    """
    for name in ("delay", "jitter"):
        value = getattr(direction, name)
        if not _whole(value):
            raise Unsupported(
                f"link '{link}' declares a {name} of {duration_text(value)}, and wirefilter counts "
                "whole milliseconds: run it on a kernel with netem, or declare whole milliseconds"
            )


def _whole(seconds: float) -> bool:
    return abs(seconds / MILLISECOND - round(seconds / MILLISECOND)) < 1e-6


def _delay(direction: Direction) -> str:
    jitter = f"+{direction.jitter / MILLISECOND:.10g}U" if direction.jitter else ""
    return f"{direction.delay / MILLISECOND + HALF:.10g}{jitter}"


def _percent(share: float) -> str:
    return f"{share * 100:.10g}"
