"""A hop that is the kernel's netem, one at each end of a veth pair."""

from __future__ import annotations

from pyroute2 import IPRoute

from lab import netns
from lab.errors import Unsupported
from lab.hop.kind import Course
from lab.hop.netem_options import LONGEST, options
from lab.hop.netem_request import NEW, put
from lab.hop.netem_tables import table
from lab.interfaces import add_pair, index_of
from lab.model import Direction
from lab.units import duration_text

WIDEST = 2.0
"""seconds: tabledist() in net/sched/sch_netem.c doubles uniform jitter in 32 bits of nanoseconds"""


class Netem:
    """A netem for each direction; ``seeds`` begin what each of them draws."""

    shapes = True

    def __init__(self, there: Direction, back: Direction, seeds: tuple[int, int]) -> None:
        self._directions, self._seeds = (there, back), seeds
        self._sides = ("left", "right")

    def make(self, netlink: IPRoute, left: str, right: str) -> None:
        """Make the pair and its queueing disciplines."""
        self._sides = (left, right)
        with netns.opened() as here:
            add_pair((left, here), (right, here))
        self._tell(netlink, NEW)

    def check(self, link: str, course: Course) -> None:
        """See that it can do exactly what the link is to declare, each after the other."""
        for direction in (direction for ways in course for direction in ways):
            check(link, direction)

    def change(self, there: Direction, back: Direction) -> None:
        """Tell both what to do from now on; what is on the way goes on as it was sent."""
        self._directions = (there, back)
        with IPRoute() as netlink:
            self._tell(netlink, 0)

    def neutralise(self) -> None:
        """Have it pass packets on and do nothing else, whatever is declared.

        For tests of tests: what measures an impairment must notice that.
        """
        self.change(Direction(), Direction())

    def trouble(self) -> str | None:
        """Nothing can go wrong."""
        return None

    def stop(self) -> None:
        """Do nothing."""

    def _tell(self, netlink: IPRoute, flags: int) -> None:
        for side, direction, seed in zip(self._sides, self._directions, self._seeds, strict=True):
            content = options(
                direction, seed=seed, table=table(direction.distribution), change=flags != NEW
            )
            put(index_of(netlink, side), content, flags)


def check(link: str, direction: Direction) -> None:
    """See that netem can do exactly what ``direction`` declares.

    :raises Unsupported: it cannot.
    """
    table(direction.distribution)
    for name, most in (("delay", LONGEST), ("jitter", WIDEST)):
        value = getattr(direction, name)
        if value > most:
            raise Unsupported(
                f"link '{link}' declares a {name} of {duration_text(value)}, and netem can "
                f"count {most:.4g} s: declare less"
            )
