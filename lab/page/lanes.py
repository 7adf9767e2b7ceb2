"""Swim lanes: what each subflow did, and what was done to it, on one axis of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.columns.octets import Array
from lab.page.clock import LEFT, RIGHT, Clock, margins, mark, rule
from lab.page.drawing import INK, PAPER, WIDTH, draw, label, look
from lab.page.evidence import Subflow
from lab.page.moments import Change, Moment

MOST = 24
"""Lanes of a figure."""
LANE = 0.66
"""Inches."""
SMALL, BOLD = 0.07, 0.085
"""Inches that a letter takes, of words of lanes and of changes."""
LINE = 0.2
"""Inches between rows of words."""


class Lane(NamedTuple):
    """A subflow, what it carried, and what happened to it."""

    subflow: Subflow
    link: str
    """The first link of its way, as far as it is known."""
    times: Array
    """Of its packets, in nanoseconds since the epoch."""
    payload: Array
    """Octets of each."""
    options: Sequence[Moment]
    events: Sequence[Moment]


def lanes(clock: Clock, found: Sequence[Lane], changed: Sequence[Change]) -> Markup:
    """The figure; of more subflows than there is room for, the first ones."""
    shown = found[:MOST]
    above = LINE * _depth(clock, changed) if changed else 0.0
    height = 0.5 + above + LANE * len(shown)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        figure.subplots_adjust(**margins(height, top=above + 0.06))
        axes.set_ylim(-len(shown), 0)
        axes.set_yticks([-at - 0.5 for at in range(len(shown))])
        axes.set_yticklabels([f"{lane.subflow.number} {label(lane.link, 6)}" for lane in shown])
        axes.grid(visible=False, axis="y")
        most = max((_heights(clock, lane).max(initial=0) for lane in shown), default=0)
        for at, lane in enumerate(shown):
            _lane(axes, clock, -at - 0.5, lane, most)
        _changed(axes, clock, changed, height - above - 0.5)
        clock.prepare(axes)

    return draw("lanes", height, paint)


def _lane(axes: Axes, clock: Clock, middle: float, lane: Lane, most: float) -> None:
    rule(axes, middle - 0.5)
    each = look(lane.subflow.number)
    if len(lane.times):
        ends = clock.seconds(np.array([lane.times.min(), lane.times.max()]))
        axes.plot(ends, [middle, middle], color=each.colour, linewidth=1.2)
        heights = 0.17 * np.append(_heights(clock, lane), 0) / max(most, 1)
        edges = np.arange(len(heights)) * clock.step / 1e9
        axes.fill_between(
            edges, middle - heights, middle + heights, step="post",
            facecolor=each.colour, hatch=each.hatch, edgecolor=PAPER, linewidth=0,
        )  # fmt: skip
    _words(axes, clock, lane.options, (middle + 0.34, 1))
    _words(axes, clock, lane.events, (middle - 0.32, -1))


def _heights(clock: Clock, lane: Lane) -> Array:
    """Octets in each step of time from the clock's zero on."""
    bins = np.maximum(lane.times - clock.zero, 0) // clock.step
    return np.bincount(bins, weights=lane.payload, minlength=2)


def _words(axes: Axes, clock: Clock, moments: Iterable[Moment], place: tuple[float, int]) -> None:
    """Words at their times, with a tick on the lane; those without room are ticks alone."""
    level, way = place
    told = [(clock.seconds(each.time), each.word) for each in sorted(moments)]
    for word in placed(told, clock.span, SMALL):
        axes.plot(
            [word.seconds] * 2, [level - way * 0.16, level - way * 0.07], color=INK, linewidth=0.8
        )
        if word.row is not None:
            axes.text(word.left, level - way * 0.005, word.text, fontsize=7, va="center")


class Placed(NamedTuple):
    """Where a word goes."""

    seconds: float
    """Its time."""
    left: float
    """Where it begins: earlier than its time, where the figure ends."""
    row: int | None
    """0, the next one if there is no room, or None."""
    text: str


def placed(
    told: Sequence[tuple[float, str]], span: float, character: float, rows: int = 1
) -> list[Placed]:
    """Where words go, by their times; ``character`` is the width of one in inches.

    A word for the same as the one before it, as of the packets of a handshake, has no room.
    """
    inch = 1.02 * span / (WIDTH - LEFT - RIGHT)
    free, last = [-np.inf] * rows, ""
    found = []
    for seconds, text in told:
        width = inch * character * len(text)
        left = min(seconds, max(1.01 * span - width, 0.0))
        row = next((at for at in range(rows) if free[at] <= left), None)
        if text == last and rows == 1 and seconds < free[0] + 3 * inch:
            row = None
        if row is not None:
            free[row] = left + width + 2 * inch * character
            last = text
        found.append(Placed(seconds, left, row, text))
    return found


def _changed(axes: Axes, clock: Clock, changed: Sequence[Change], tall: float) -> None:
    """Name the changes above the axes, which are so many inches tall."""
    for word in _placed_changes(clock, changed):
        mark(axes, word.seconds)
        high = 1 + (0.09 + LINE * (word.row or 0)) / tall
        axes.text(word.left, high, word.text, transform=axes.get_xaxis_transform(), fontsize=8,
                  va="center", weight="bold")  # fmt: skip


def _placed_changes(clock: Clock, changed: Sequence[Change]) -> list[Placed]:
    told = [(clock.seconds(each.began), label(each.words, 60)) for each in changed]
    return placed(told, clock.span, BOLD, rows=MOST)


def _depth(clock: Clock, changed: Sequence[Change]) -> int:
    """Rows of words that the changes take."""
    return 1 + max((word.row or 0 for word in _placed_changes(clock, changed)), default=0)
