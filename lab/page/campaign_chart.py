"""One figure of all combinations of a campaign: every value, medians, and their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lab.columns.octets import Array
from lab.page.campaign_reading import Combination
from lab.page.drawing import FAINT, INK, draw, label, look
from lab.statistic import amount, median_interval

WIDE = 6.5
ROW, HEAD = 0.54, 0.34
"""Inches of a combination, and of a scenario's name above its own."""
LABEL = 0.12
"""Inches from the top of a combination to the middle of its name."""
LONGEST = 78
CLOSE = 0.25
"""If values spread over less than this share of the greatest, the axis does not begin at 0."""


def chart(
    name: str, figure: str, combinations: Sequence[Combination], number: dict[str, int]
) -> tuple[Markup, bool]:
    """The chart, and whether it begins at 0; ``number`` is the look of each value of a choice.

    Looks go by the value of the first choice that has several.
    """
    shown = [each for each in combinations if figure in each.figures]
    unit = shown[0].figures[figure].unit
    every = np.concatenate([each.figures[figure].values for each in shown])
    from_zero = bool(every.min() >= 0 and np.ptp(every) >= CLOSE * every.max())
    scenarios = [*dict.fromkeys(each.scenario for each in shown)]
    height = 0.5 + ROW * len(shown) + HEAD * len(scenarios)

    def paint(whole: Figure) -> None:
        axes = whole.add_subplot()
        whole.subplots_adjust(left=0.35 / WIDE, right=1 - 0.3 / WIDE, top=1 - 0.05 / height,
                              bottom=0.42 / height)  # fmt: skip
        axes.set_ylim(height - 0.47, 0)
        _rows(axes, figure, shown, number)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(lambda value, _: amount(value, unit))
        if from_zero:
            axes.set_xlim(left=0)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])

    return draw(name, height, paint, width=WIDE), from_zero


def _rows(axes: Axes, figure: str, shown: Sequence[Combination], number: dict[str, int]) -> None:
    at, scenario = 0.0, None
    for each in shown:
        if each.scenario != scenario:
            at += HEAD
            scenario = each.scenario
            _name(axes, at - 0.35 * HEAD, label(scenario.rpartition("::")[2], LONGEST), "bold")
            axes.axhline(at, color=FAINT, linewidth=0.5)
        _name(axes, at + LABEL, label(each.chosen, LONGEST), "normal")
        values = np.array(each.figures[figure].values)
        _values(axes, at + LABEL + ROW / 2 - 0.02, values, number[each.chosen])
        at += ROW
        axes.axhline(at, color=FAINT, linewidth=0.5)


def _name(axes: Axes, height: float, text: str, weight: str) -> None:
    axes.annotate(text, (0, height), xycoords=("axes fraction", "data"), va="center",
                  xytext=(2, 0), textcoords="offset points", fontsize=8, weight=weight)  # fmt: skip


def _values(axes: Axes, middle: float, values: Array, number: int) -> None:
    """All values, apart so that none hides another; median and interval above them."""
    each = look(number)
    place = middle + 0.06 + 0.05 * np.sin(2.4 * np.arange(len(values)))
    axes.plot(values, place, linestyle="none", marker=each.marker, markersize=4.5,
              color=each.colour, alpha=0.75, markeredgewidth=0)  # fmt: skip
    found = median_interval(values.tolist())
    above = middle - 0.07
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [above, above], color=INK, linewidth=1.4)
    axes.plot([found.median], [above], marker="|", markersize=9, color=INK, markeredgewidth=2)
