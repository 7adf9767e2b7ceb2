"""From what a link declares to the hops of its wire."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lab import shape
from lab.backend import Backend, choose
from lab.hop import Hop
from lab.hop.middlebox import Middleboxes
from lab.model import Direction
from lab.model.boxes import Middlebox

SHAPER = ("rate", "queue", "middlebox")
"""Fields of a direction that no backend of impairments is needed for."""


class Emulation:
    """Makes the hops of links; the backend is looked for when the first link needs one.

    ``seed`` begins whatever is drawn, as far as the backend takes one.
    """

    def __init__(self, backend: str | None = None, seed: int = 0) -> None:
        self._name = backend
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.backend: Backend | None = None
        """What emulates impairments, if any link has some."""

    def hops(self, link: str, there: Direction, back: Direction) -> Sequence[Hop]:
        """The hops that make both directions what they declare.

        A packet meets its rate first, then what a backend emulates, and middleboxes last: so those
        of one direction stand behind the backend's hops, and those of the other before them.

        :raises Unsupported: they cannot be made exactly so; the reason names ``link``.
        """
        shape.check(link, there)
        shape.check(link, back)
        impairments = self._impairments(link, there, back)
        if not impairments:
            return _middleboxes(there.middlebox, back.middlebox)
        before, behind = _middleboxes(back=back.middlebox), _middleboxes(there.middlebox)
        return [*before, *impairments, *behind]

    def _impairments(self, link: str, there: Direction, back: Direction) -> Sequence[Hop]:
        if not (impaired(there) or impaired(back)):
            return []
        if self.backend is None:
            self.backend = choose(self._name)
        self.backend.check(link, there)
        self.backend.check(link, back)
        seeds = self._random.getrandbits(64), self._random.getrandbits(64)
        return self.backend.hops(there, back, seeds)


def impaired(direction: Direction) -> bool:
    """Whether a direction declares more than a rate."""
    nothing = Direction()
    return any(
        getattr(direction, name) != getattr(nothing, name)
        for name in Direction.__dataclass_fields__
        if name not in SHAPER
    )


def _middleboxes(there: Sequence[Middlebox] = (), back: Sequence[Middlebox] = ()) -> Sequence[Hop]:
    """The hop of middleboxes, if there are some."""
    if not (there or back):
        return []
    return [Middleboxes(*([box.declared() for box in boxes] for boxes in (there, back)))]
