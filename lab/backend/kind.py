"""What every backend offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lab.hop import Hop
from lab.model import Direction


class Backend(Protocol):
    """One way to emulate what a link declares besides its rate."""

    name: str

    def why_not(self) -> str | None:
        """Why it does not work here, and what to do; None if it does."""

    def check(self, link: str, direction: Direction) -> None:
        """See that it can do exactly what ``direction`` declares.

        :raises Unsupported: it cannot; the reason names ``link``.
        """

    def hops(self, there: Direction, back: Direction, seeds: tuple[int, int]) -> Sequence[Hop]:
        """The hops that do it, in the order of the direction there.

        ``seeds`` begin what is drawn there and back, where a backend takes one.
        """
