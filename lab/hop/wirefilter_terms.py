"""What VDE's wirefilter does exactly, and how it is told. Pure.

The facts are those of src/wirefilter.c in vde-2. It counts whole milliseconds. It keeps packets in
order, but has one order for both directions: a packet of one never leaves before an earlier one of
the other. So two directions that delay differently need a process each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lab.errors import Unsupported
from lab.model import Bursts, Direction
from lab.units import duration_text

MILLISECOND = 0.001

NOTHING = Direction()

SPREADS = {"uniform": ("U", 1), "normal": ("N", 3)}
"""Distributions of jitter: their letters, and how much of the jitter wirefilter wants to know: its
normal one is given three standard deviations (SIGMA)."""

LEAST_DELAYS = {"uniform": 1, "normal": 6}
"""How many times the jitter a delay must be at least, so that (nearly) none is negative."""

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
            share, burst = _loss(direction.loss)
            yield f"lostburst {way}{burst:.10g}"
            yield f"loss {way}{_percent(share)}"
            yield f"dup {way}{_percent(direction.duplicate)}"


def check(link: str, direction: Direction) -> None:
    """See that wirefilter can do exactly what ``direction`` declares.

    :raises Unsupported: it cannot.
    """
    for problem in _problems(direction):
        raise Unsupported(
            f"link '{link}' declares {problem}. A kernel with netem can do it (modprobe sch_netem)"
        )


def _problems(direction: Direction) -> Iterator[str]:
    for name in ("delay", "jitter"):
        value = getattr(direction, name)
        if not _whole(value):
            yield f"a {name} of {duration_text(value)}, and wirefilter counts whole milliseconds"
    yield from _problems_of_jitter(direction)
    bursts = direction.loss
    if isinstance(bursts, Bursts) and (bursts.bad, bursts.good) != (1, 0):
        yield "bursts with losses other than all and none, and wirefilter knows but these"
    if direction.duplicate == 1:
        yield "every packet to come twice, and wirefilter would send the first one for ever"
    if direction.reorder:
        yield "reordering, and wirefilter keeps all packets in order"
    if direction.corrupt:
        yield "corruption of packets, and wirefilter counts corrupted bits a megabyte"


def _problems_of_jitter(direction: Direction) -> Iterator[str]:
    if direction.distribution not in SPREADS:
        yield f"jitter as {direction.distribution}, and wirefilter knows {' and '.join(SPREADS)}"
    elif direction.delay < LEAST_DELAYS[direction.distribution] * direction.jitter:
        yield (
            "normal jitter of more than a sixth of the delay, and wirefilter would send some "
            "packets before those ahead of them"
        )


def _whole(seconds: float) -> bool:
    return abs(seconds / MILLISECOND - round(seconds / MILLISECOND)) < 1e-6


def _delay(direction: Direction) -> str:
    middle = direction.delay / MILLISECOND + HALF
    if not direction.jitter:
        return f"{middle:.10g}"
    letter, reach = SPREADS[direction.distribution]
    return f"{middle:.10g}+{direction.jitter / MILLISECOND * reach:.10g}{letter}"


def _loss(loss: float | Bursts) -> tuple[float, float]:
    """The share lost, and the mean length of a burst (0: each packet is lost by itself).

    wirefilter enters a burst with the chance share / (burst * (1 - share)), and leaves it with
    1 / burst.
    """
    return (loss.average, 1 / loss.leave) if isinstance(loss, Bursts) else (loss, 0)


def _percent(share: float) -> str:
    return f"{share * 100:.10g}"
