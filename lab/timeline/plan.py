"""When a scenario changes its network: steps, checked as a whole before the first is played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab import units
from lab.build import Network
from lab.errors import LabError, Unsupported, UsageError
from lab.hop import Directions
from lab.timeline.change import Change, Lasting


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One change and its time; each call of :func:`at` makes a step of its own."""

    time: float
    """seconds after the beginning"""
    change: Change

    def __str__(self) -> str:
        return f"at {units.duration_text(self.time) if self.time else '0 s'}, {self.change}"


def at(time: str, change: Change) -> Step:
    """Make ``change`` so long (``"1.5 s"``, ``"200 ms"``) after the beginning.

    :raises UsageError: ``time`` is not a duration, or ``change`` is no change.
    """
    if not callable(getattr(change, "make", None)) or isinstance(change, type):
        raise UsageError(f"{change!r} is no change of a network, as Cut('wifi') is")
    return Step(units.duration(time), change)


def in_order(network: Network, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps by their times; those of the same time as they are written.

    :raises UsageError: some of them name what this network does not have; it says all of them.
    :raises Unsupported: nothing else is wrong, but this network cannot be changed so.
    """
    for step in steps:
        if not isinstance(step, Step):
            raise UsageError(f"{step!r} is no step, as at('1 s', Cut('wifi')) is")
    ordered = tuple(sorted(steps, key=lambda step: step.time))
    problems = list(_problems(network, ordered))
    for kind in (UsageError, Unsupported):
        texts = [f"{step}: {problem}" for step, problem in problems if isinstance(problem, kind)]
        if texts:
            raise kind("\n".join(texts))
    return ordered


def _problems(network: Network, ordered: Sequence[Step]) -> Iterator[tuple[Step, LabError]]:
    """What is wrong with each step, when those before it have been made."""
    courses: dict[str, list[Directions]] = {}
    for step in ordered:
        try:
            step.change.check(network)
            if isinstance(step.change, Lasting):
                step.change.foresee(network, courses)
        except (UsageError, Unsupported) as problem:
            yield step, problem
