"""Data sequence numbers over time."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from lab.columns.octets import Array
from lab.columns.sent import Sent
from lab.page.drawing import INK, PAPER, look
from lab.page.scene import MARKED, MEGA, Scene
from lab.page.thinning import ACROSS, UP, thinned

RINGS = 75
"""Cells for rings, which are larger than other points."""


def sequence(scene: Scene, sent: Sent) -> tuple[Markup, int]:
    """Each segment's data sequence number; and how many of the segments are drawn."""
    times, numbers, count = scene.clock.seconds(sent.time), sent.data, 0
    again = sent.reinjected > 0

    def paint(axes: Axes) -> None:
        nonlocal count
        for number, mine in scene.parts(sent.subflow):
            for rows, marked in ((mine & ~again, False), (mine & again, True)):
                at = np.flatnonzero(rows)
                across, up = (RINGS, RINGS // 3) if marked else (ACROSS, UP)
                at = at[thinned(times[at], numbers[at], across, up)]
                count += len(at)
                _segments(axes, number, (times[at], numbers[at], sent.payload[at]), marked)

    return scene.draw("sequence", "data in MB", paint), count


def _segments(axes: Axes, number: int, data: tuple[Array, Array, Array], again: bool) -> None:
    """Upright lines from a segment's first octet to its last; rings around what came again."""
    times, first, length = data
    if not len(times):
        return
    each = look(number)
    nothing = np.full(len(times), np.nan)
    x = np.column_stack((times, times, nothing)).ravel()
    y = np.column_stack((first, first + length, nothing)).ravel() / MEGA
    axes.plot(x, y, color=each.colour, linewidth=1.8, solid_capstyle="round")
    chosen = np.arange(len(times))
    if not again:
        chosen = np.unique(np.linspace(0, len(times) - 1, MARKED).astype(np.int64))
    axes.plot(
        times[chosen], first[chosen] / MEGA, linestyle="none", color=each.colour,
        marker="o" if again else each.marker, markersize=8 if again else 5,
        markerfacecolor="none" if again else PAPER, markeredgecolor=INK if again else each.colour,
        markeredgewidth=1.0,
    )  # fmt: skip
