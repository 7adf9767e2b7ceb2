"""A link that becomes faster, longer, or worse, while packets pass it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from lab.build import Network
from lab.errors import UsageError
from lab.hop import Directions
from lab.link import Way, changed
from lab.model.names import hint, shown
from lab.model.topology import Shaping
from lab.timeline.change import require_way, ways
from lab.timeline.wire import require_wire


class Reshape:
    """Keys of a link (``rate="2 Mbit/s"``) have other values from now on, written as in its file.

    In one direction, or in both if ``direction`` is None. No packet is lost or reordered by the
    change itself: what waits goes on to wait, at the new rate, and what is under way arrives when
    it was to arrive.
    """

    def __init__(self, link: str, *, direction: Way | None = None, **changes: str) -> None:
        self.link, self.direction, self.changes = link, direction, changes

    def __str__(self) -> str:
        way = f", direction={self.direction!r}" if self.direction else ""
        written = "".join(f", {key}={value!r}" for key, value in self.changes.items())
        return f"Reshape(link={self.link!r}{way}{written})"

    def check(self, network: Network) -> None:
        """See that there is such a link, with a wire, such keys and such values."""
        network.topology.link(self.link)
        require_way(self.direction)
        self._values()
        require_wire(network, self.link, "be reshaped")

    def foresee(self, network: Network, courses: dict[str, list[Directions]]) -> None:
        """See that what emulates the link can become so, after what it is to do before."""
        link, course = network.wire(self.link), courses.setdefault(self.link, [])
        before = course[-1] if course else (link.there, link.back)
        now = changed(before, ways(self.direction), self._values())
        link.check([*course, now])
        course.append(now)

    def make(self, network: Network) -> None:
        """Tell what emulates the link."""
        network.wire(self.link).reshape(*ways(self.direction), **self._values())

    def _values(self) -> dict[str, Any]:
        if not self.changes:
            raise UsageError(
                "nothing is to change: name a key, as in Reshape('lte', rate='2 Mbit/s')"
            )
        for key in self.changes:
            if key not in Shaping.model_fields:
                known = hint(key, Shaping.model_fields)
                raise UsageError(f"a link has nothing to reshape named {shown(key)} ({known})")
        try:
            return Shaping.model_validate(self.changes).written()
        except ValidationError as problem:
            raise UsageError(
                "; ".join(f"{error['loc'][0]}: {error['msg']}" for error in problem.errors())
            ) from None
