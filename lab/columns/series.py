"""Figures of subflows, as a whole and in steps of time, and where data moved to another subflow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lab.columns.octets import Bools, Ints
from lab.columns.sent import Sent
from lab.columns.table import Table

Floats = npt.NDArray[np.float64]

SECOND = 10**9

QUIET = SECOND
"""A subflow without new data for so long has handed over, in nanoseconds."""


@dataclass(frozen=True, eq=False)
class Series(Table):
    """One direction of a subflow, in one step of time; lengths in octets.

    A row exists where there was a segment with data.
    """

    connection: Ints
    subflow: Ints
    onward: Bools
    """Whether the subflow's initiator sent it."""
    forward: Bools
    """Whether the connection's initiator sent it."""
    start: Ints
    """When the step begins, in nanoseconds since the epoch."""
    segments: Ints
    payload: Ints
    first: Ints
    reinjected: Ints
    retransmitted: Ints
    unmapped: Ints
    out_of_order: Ints
    goodput: Floats
    """Bits of new data (``first``) a second."""
    rtt: Floats
    """The median of the samples in seconds; NaN if there are none. See ``Sent.rtt``."""


@dataclass(frozen=True, eq=False)
class Handovers(Table):
    """Where a subflow ceased to carry new data and another one went on."""

    connection: Ints
    forward: Bools
    """Whether the connection's initiator sent the data."""
    before: Ints
    """The subflow that ceased."""
    after: Ints
    """The one that carried the next new data."""
    time: Ints
    """When the last new data came on the one, in nanoseconds since the epoch."""
    gap: Ints
    """How long after that new data came on the other, in nanoseconds."""


SUMS = ("payload", "first", "reinjected", "retransmitted", "unmapped", "out_of_order")


def series(sent: Sent, step: int | None = None, *, aligned: bool = False) -> Series:
    """Return the figures in steps of so many nanoseconds; None: each direction as a whole.

    Steps count from the first segment with data; ``aligned``: they begin at multiples of ``step``,
    so that those of several captures are the same. Goodput of a whole is that between its first and
    last segment with data; NaN, if there is one alone.
    """
    base = int(sent.time.min(initial=np.iinfo(np.int64).max))
    if aligned and step:
        base -= base % step
    bins = (sent.time - base) // step if step else np.zeros(len(sent), np.int64)
    key = (2 * sent.subflow + sent.onward) * (int(bins.max(initial=0)) + 1) + bins
    _, head, row = np.unique(key, return_index=True, return_inverse=True)
    sums = {name: _sums(row, getattr(sent, name), len(head)) for name in SUMS}
    begin, end = _ends(row, sent.time, len(head))
    if step:
        begin, seconds = base + bins[head] * step, np.full(len(head), step / SECOND)
    else:
        seconds = np.where(end > begin, (end - begin) / SECOND, np.nan)
    return Series(
        connection=sent.connection[head],
        subflow=sent.subflow[head],
        onward=sent.onward[head],
        forward=sent.forward[head],
        start=begin,
        segments=np.bincount(row, minlength=len(head)),
        **sums,
        goodput=8 * sums["first"] / seconds,
        rtt=_medians(row, sent.rtt, len(head)) / SECOND,
    )


def _sums(row: Ints, values: Ints, rows: int) -> Ints:
    total = np.zeros(rows, np.int64)
    np.add.at(total, row, values)
    return total


def _ends(row: Ints, time: Ints, rows: int) -> tuple[Ints, Ints]:
    """Return the lowest and highest time of each row."""
    low, high = np.full(rows, np.iinfo(np.int64).max), np.full(rows, np.iinfo(np.int64).min)
    np.minimum.at(low, row, time)
    np.maximum.at(high, row, time)
    return low, high


def _medians(row: Ints, values: Ints, rows: int) -> Floats:
    """Return the median of the values that are not negative; NaN where there are none."""
    chosen = np.flatnonzero(values >= 0)
    order = chosen[np.lexsort((values[chosen], row[chosen]))]
    count = np.bincount(row[chosen], minlength=rows)
    start = np.cumsum(count) - count
    some = np.flatnonzero(count)
    medians = np.full(rows, np.nan)
    low, high = (start + (count - 1) // 2)[some], (start + count // 2)[some]
    medians[some] = (values[order[low]] + values[order[high]]) / 2
    return medians


def handovers(sent: Sent, quiet: int = QUIET) -> Handovers:
    """Return where new data moved from a subflow, silent for ``quiet`` nanoseconds, to another.

    Only while the connection went on for as long: the end of a transfer is none.
    """
    fresh = np.flatnonzero(sent.first > 0)
    key = 2 * sent.connection[fresh] + sent.forward[fresh]
    fresh = fresh[np.argsort(key, kind="stable")]
    key = np.sort(key)
    time, subflow = sent.time[fresh], sent.subflow[fresh]
    last = time[np.searchsorted(key, key, "right") - 1] if len(key) else time
    silent = _next_on_same(subflow, sent.onward[fresh], time) - time >= quiet
    at = np.flatnonzero(silent & (last - time >= quiet))
    at = at[subflow[at] != subflow[at + 1]]  # there is a next one, as the connection goes on
    row = fresh[at]
    return Handovers(
        connection=sent.connection[row],
        forward=sent.forward[row],
        before=sent.subflow[row],
        after=subflow[at + 1],
        time=time[at],
        gap=time[at + 1] - time[at],
    )


def _next_on_same(subflow: Ints, onward: Bools, time: Ints) -> Ints:
    """Return when each subflow carries on in the same direction; the end of time if it does not."""
    order = np.argsort(2 * subflow + onward, kind="stable")
    key = (2 * subflow + onward)[order]
    following = np.full(len(order), np.iinfo(np.int64).max // 2)
    same = np.flatnonzero(key[1:] == key[:-1])
    following[order[same]] = time[order[same + 1]]
    return following
