"""How series are told apart, beside a figure: HTML, since it must not cover data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from markupsafe import Markup
from matplotlib.figure import Figure

from lab.page.drawing import PAPER, draw, look
from lab.page.evidence import Subflow

MOST = 12


class Entry(NamedTuple):
    """One series."""

    swatch: Markup
    text: str


class Drawn(NamedTuple):
    """A figure with what stands around it."""

    name: str
    title: str
    svg: Markup
    caption: str
    legend: tuple[Entry, ...] = ()
    small: bool = False
    """Whether it needs no more than half a screen's width."""


def legend(name: str, series: Iterable[tuple[int, str]]) -> tuple[Entry, ...]:
    """Entries for series, by their numbers; of many, the first ones."""
    every = [*series]
    entries = [Entry(swatch(f"{name}-{number}", number), text) for number, text in every[:MOST]]
    if len(every) > MOST:
        entries.append(Entry(Markup(), f"and {len(every) - MOST} more"))
    return tuple(entries)


def of_subflows(name: str, subflows: Iterable[Subflow]) -> tuple[Entry, ...]:
    """Entries for subflows."""
    return legend(name, ((each.number, each.name) for each in subflows))


def swatch(name: str, number: int) -> Markup:
    """Line, mark and filling of a series."""
    each = look(number)

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, 52)
        axes.set_ylim(0, 16)
        axes.fill_between([34, 50], 2, 14, facecolor=each.colour, hatch=each.hatch,
                          edgecolor=PAPER, linewidth=0)  # fmt: skip
        axes.plot([1, 29], [8, 8], color=each.colour, linestyle=each.dashes, linewidth=1.6)
        axes.plot([15], [8], color=each.colour, marker=each.marker, markersize=5)

    return draw(name, 16 / 72, paint, width=52 / 72)
