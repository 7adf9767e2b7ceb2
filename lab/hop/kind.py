"""What every kind of hop offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pyroute2 import IPRoute

from lab.model import Direction

Directions = tuple[Direction, Direction]
"""What a link does there, and back."""

Course = Sequence[Directions]
"""What it does after each of several changes."""


class Hop(Protocol):
    """Two interfaces of a wire, and what passes packets from one to the other.

    Packets of the direction *there* enter at the left one, those of *back* at the right one.
    """

    shapes: bool
    """Whether it has queueing disciplines at its own interfaces, so that no rate can sit there."""

    def make(self, netlink: IPRoute, left: str, right: str) -> None:
        """Make both interfaces, with these names, in the calling thread's network namespace.

        Returns when packets that are sent to one of them come out of the other.

        :raises Unsupported: this machine cannot; the reason says what is missing.
        :raises InvalidRun: what it started was killed.
        """

    def trouble(self) -> str | None:
        """Why packets do not pass any more as they should; None while all is well."""

    def stop(self) -> None:
        """End what :meth:`make` started. Interfaces go with their namespace."""


@runtime_checkable
class Changeable(Hop, Protocol):
    """A hop that emulates what the directions of its link declare."""

    def check(self, link: str, course: Course) -> None:
        """See that it can do exactly what the link of that name is to do, each after the other.

        :raises Unsupported: it cannot; the reason says why.
        """

    def change(self, there: Direction, back: Direction) -> None:
        """From now on do this to packets; none is lost or overtakes another for the change.

        :raises Unsupported: it cannot; the reason says why.
        """
