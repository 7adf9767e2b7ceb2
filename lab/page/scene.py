"""What all figures of one direction of a connection share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.columns.octets import Bools, Ints
from lab.page.clock import Clock, margins, mark
from lab.page.drawing import draw

HEIGHT = 2.6
MEGA = 1e6
MARKED = 12
"""Marks of a series that has no room for one at each point."""


class Scene(NamedTuple):
    """What all figures of one direction of a connection share."""

    name: str
    """A word, for identifiers."""
    clock: Clock
    changes: Sequence[float]
    """When links changed, in seconds."""
    numbers: Sequence[int]
    """The page's numbers of the subflows of the capture."""

    def draw(self, kind: str, label: str, paint: Callable[[Axes], None]) -> Markup:
        """A figure with one pair of axes, changes of links marked."""

        def whole(figure: Figure) -> None:
            axes = figure.add_subplot()
            figure.subplots_adjust(**margins(HEIGHT))
            paint(axes)
            self.clock.prepare(axes)
            axes.set_ylabel(label)
            if axes.get_yscale() == "linear":
                axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
            for seconds in self.changes:
                mark(axes, seconds)

        return draw(f"{kind}-{self.name}", HEIGHT, whole)

    def parts(self, subflow: Ints) -> list[tuple[int, Bools]]:
        """The page's number of each subflow that is there, and its rows."""
        present = sorted({*subflow.tolist()}, key=lambda at: self.numbers[at])
        return [(self.numbers[at], subflow == at) for at in present]
