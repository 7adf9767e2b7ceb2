"""Goodput of subflows, one upon the other."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from lab.columns.octets import Array
from lab.columns.sent import Sent
from lab.columns.series import SECOND, Handovers, Series, series
from lab.page.drawing import ALARM, PAPER, look
from lab.page.scene import MEGA, Scene

PAUSE = 3
"""Steps without new data from which they are marked as a pause."""


def goodput(scene: Scene, sent: Sent, gaps: Handovers) -> Markup:
    """New data a second of each subflow, one upon the other; hand-over gaps marked."""
    steps = series(sent, scene.clock.step)

    def paint(axes: Axes) -> None:
        base, grid = _gridded(scene, steps)
        edges = scene.clock.seconds(base + scene.clock.step * np.arange(grid.shape[1] + 1))
        below = np.zeros(grid.shape[1])
        for (number, _), row in zip(scene.parts(steps.subflow), grid, strict=True):
            each = look(number)
            axes.fill_between(
                edges, np.append(below, below[-1:]), np.append(below + row, (below + row)[-1:]),
                step="post", facecolor=each.colour, hatch=each.hatch, edgecolor=PAPER,
                linewidth=0.3,
            )  # fmt: skip
            below = below + row
        axes.set_ylim(0, 1.3 * max(float(below.max(initial=0)), 1e-9))
        for start, length in pauses(below):
            _pause(axes, float(edges[start]), length * scene.clock.step / SECOND)
        for at in range(len(gaps)):
            pair = (scene.numbers[each[at]] for each in (gaps.before, gaps.after))
            text = "hand-over {} to {}: {:.0f} ms".format(*pair, gaps.gap[at] / 1e6)
            _gap(axes, scene.clock.seconds(gaps.time[at]), int(gaps.gap[at]) / SECOND, text)

    return scene.draw("goodput", "goodput in Mbit/s", paint)


def _gridded(scene: Scene, steps: Series) -> tuple[int, Array]:
    """Mbit/s of each subflow in each step of time: steps without data are 0."""
    base = int(steps.start.min())
    column = (steps.start - base) // scene.clock.step
    grid = np.zeros((len(scene.parts(steps.subflow)), int(column.max()) + 1))
    for row, (_, mine) in enumerate(scene.parts(steps.subflow)):
        np.add.at(grid[row], column[mine], steps.goodput[mine] / MEGA)
    return base, grid


def pauses(total: Array) -> list[tuple[int, int]]:
    """Where a row of steps is without any new data, and for how many steps; not at its ends."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], total == 0, [0])).astype(np.int8)))
    found = [(int(start), int(end - start)) for start, end in edges.reshape(-1, 2)]
    return [(start, length) for start, length in found
            if length >= PAUSE and start > 0 and start + length < len(total)]  # fmt: skip


def _pause(axes: Axes, start: float, length: float) -> None:
    axes.axvspan(start, start + length, facecolor=ALARM, alpha=0.14, zorder=0.4, linewidth=0)
    axes.annotate(f"nothing new for {length:.1f} s", (start + length, 0.84 * axes.get_ylim()[1]),
                  xytext=(4, 0), textcoords="offset points", color=ALARM, va="center",
                  fontsize=8)  # fmt: skip


def _gap(axes: Axes, start: float, length: float, text: str) -> None:
    """A hand-over: from the last new data on one subflow to the next on another."""
    axes.axvspan(start, start + length, facecolor=ALARM, edgecolor=ALARM, alpha=0.5, zorder=0.4)
    high = axes.get_ylim()[1]
    axes.plot([start], [0.95 * high], marker="v", color=ALARM, markersize=5)
    early = start < sum(axes.get_xlim()) / 2
    axes.annotate(text, (start, 0.95 * high), xytext=(6 if early else -6, 0), color=ALARM,
                  textcoords="offset points", va="center", ha="left" if early else "right",
                  fontsize=8)  # fmt: skip
