"""The tables of ``mptcp-lab series`` for people: aligned text, as wide as its numbers are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from lab.columns.analysis import Analysis
from lab.columns.mappings import Mappings
from lab.columns.series import SECOND, Handovers, Series, handovers, series

GAP = "  "


class Context(NamedTuple):
    """What all tables of a capture are made from."""

    analysis: Analysis
    step: int | None
    """Nanoseconds of one step of time; None: the whole."""

    def clock(self, time: int) -> str:
        """Return a time in seconds from the first packet on."""
        begin = int(self.analysis.capture.packets.time[:1].sum())
        return f"{(time - begin) / SECOND:.3f}"


Rows = Iterator[tuple[str, ...]]


class Kind(NamedTuple):
    """One of the tables: what it is made of, and how a row of it is written."""

    make: Callable[[Context], Series | Mappings | Handovers]
    headings: tuple[str, ...]
    rows: Callable[[Context, object], Rows]
    nothing: str
    """What to say of an empty one."""


def _subflows(context: Context, found: Series) -> Rows:
    for at in range(len(found)):
        yield (
            _way(found.subflow[at], found.onward[at]),
            context.clock(found.start[at]),
            *(str(column[at]) for column in (found.payload, found.first, found.reinjected,
                                             found.retransmitted, found.out_of_order)),
            _number(found.goodput[at] / 1e6),
            _number(found.rtt[at] * 1e3),
        )  # fmt: skip


def _mappings(context: Context, found: Mappings) -> Rows:
    onward = context.analysis.flows.onward[found.packet]
    for at in range(len(found)):
        kind = "without end" if found.infinite[at] else "DATA_FIN" if found.data_fin[at] else ""
        yield (
            _way(found.subflow[at], onward[at]),
            context.clock(found.time[at]),
            *(str(column[at]) for column in (found.number, found.dsn, found.ssn, found.length)),
            kind,
        )


def _handovers(context: Context, found: Handovers) -> Rows:
    for at in range(len(found)):
        yield (
            _way(found.connection[at], found.forward[at]),
            context.clock(found.time[at]),
            str(found.before[at] + 1),
            str(found.after[at] + 1),
            f"{found.gap[at] / 1e6:.1f}",
        )


def _way(number: int, from_initiator: bool) -> str:
    return f"{number + 1} {'>' if from_initiator else '<'}"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


KINDS: dict[str, Kind] = {
    "subflows": Kind(
        lambda context: series(context.analysis.sent, context.step),
        ("subflow", "s", "octets", "new", "reinj.", "again", "late", "Mbit/s", "RTT ms"),
        _subflows,  # type: ignore[arg-type]  # each is given what its ``make`` returns
        "no data of any MPTCP connection",
    ),
    "mappings": Kind(
        lambda context: context.analysis.mappings,
        ("subflow", "s", "packet", "data number", "octet", "octets", ""),
        _mappings,  # type: ignore[arg-type]
        "no mappings",
    ),
    "handovers": Kind(
        lambda context: handovers(context.analysis.sent),
        ("connection", "s", "from subflow", "to", "gap ms"),
        _handovers,  # type: ignore[arg-type]
        "no hand-overs",
    ),
}
"""By the name that ``--table`` takes."""


def lines(context: Context, table: str, limit: int) -> Iterator[str]:
    """Yield a table with at most so many rows (0: all), and who its subflows are."""
    yield from _legend(context.analysis)
    kind = KINDS[table]
    found = kind.make(context)
    if not len(found):
        yield GAP + kind.nothing
        return
    yield from aligned(kind.headings, list(islice(kind.rows(context, found), limit or None)))
    if 0 < limit < len(found):
        yield f"{GAP}and {len(found) - limit} more rows: --limit 0 prints all"


def _legend(analysis: Analysis) -> Iterator[str]:
    for number, (known, ends) in enumerate(zip(analysis.subflows, analysis.ends(), strict=True), 1):
        if known.connection >= 0:
            marks = f"{' (initial)' if known.master else ''}{' (backup)' if known.backup else ''}"
            yield (
                f"{GAP}connection {known.connection + 1}, subflow {number}{marks}: "
                f"{ends.initiator} > {ends.responder}"
            )


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines whose columns end at one place; nothing is ever cut."""
    table = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield (GAP + GAP.join(cells)).rstrip()
