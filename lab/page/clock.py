"""The one time axis of a page: seconds from the first thing that is known of the run."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log10
from typing import Any

from matplotlib.axes import Axes

from lab.columns.series import SECOND
from lab.page.drawing import FAINT, INK, WIDTH

LEFT, RIGHT = 0.65, 0.1
"""Inches beside the axes: the same for all figures, so that times stand below each other."""

STEPS = 300
"""Steps of time in a figure, at the most."""


@dataclass(frozen=True)
class Clock:
    """Turns nanoseconds since the epoch into seconds of the page."""

    zero: int
    end: int

    @property
    def span(self) -> float:
        """Seconds of the whole axis."""
        return max((self.end - self.zero) / SECOND, 1e-3)

    @property
    def step(self) -> int:
        """Nanoseconds of a step of time: 1, 2 or 5 of something, and 100 ms at the least."""
        least = max(self.span / STEPS, 0.1)
        power = 10.0 ** ceil(log10(least) - 1e-9)
        share = next(s for s in (0.2, 0.5, 1.0) if s * power >= least * (1 - 1e-9))
        return round(share * power * SECOND)

    def seconds(self, time: Any) -> Any:
        """Seconds of a time, or of an array of times."""
        return (time - self.zero) / SECOND

    def prepare(self, axes: Axes, label: bool = True) -> None:
        """Give an axis of time to a figure."""
        axes.set_xlim(-0.01 * self.span, 1.01 * self.span)
        if label:
            axes.set_xlabel("time in s")
        axes.grid(visible=False, axis="x")


def margins(height: float, top: float = 0.12, bottom: float = 0.42) -> dict[str, float]:
    """What ``subplots_adjust`` takes, of inches."""
    return {
        "left": LEFT / WIDTH,
        "right": 1 - RIGHT / WIDTH,
        "top": 1 - top / height,
        "bottom": bottom / height,
    }


def mark(axes: Axes, seconds: float) -> None:
    """A line through a figure where a link changed."""
    axes.axvline(seconds, color=INK, linewidth=0.7, linestyle=(0, (1, 2)), zorder=0.5)


def rule(axes: Axes, at: float) -> None:
    """A faint line from side to side."""
    axes.axhline(at, color=FAINT, linewidth=0.5)
