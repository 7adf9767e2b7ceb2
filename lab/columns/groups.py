"""Grouping rows, and what is asked of each group: all groups at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.columns.octets import Array, Bools, Ints


def codes(columns: Sequence[Array]) -> Ints:
    """Number the different rows of columns from 0: equal rows have equal numbers."""
    found = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        if len(column) and np.any(column != column[0]):
            values, numbers = np.unique(column, return_inverse=True)
            found = np.unique(found * len(values) + numbers, return_inverse=True)[1]
    return found


def begins(sorted_keys: Ints) -> Bools:
    """Tell at which rows a group begins, where groups lie together."""
    first = np.ones(len(sorted_keys), bool)
    first[1:] = sorted_keys[1:] != sorted_keys[:-1]
    return first


def unwrapped(keys: Ints, numbers: Array) -> Ints:
    """Return 32-bit sequence numbers as distances from the first of their group, in 64 bits.

    Rows are in the order of time; each number lies within 2**31 of the one before it in its group
    (RFC 9293, section 3.4).
    """
    order = np.argsort(keys, kind="stable")
    values, first = numbers[order].astype(np.uint32), begins(keys[order])
    steps = np.zeros(len(order), np.int64)
    steps[1:] = (values[1:] - values[:-1]).astype(np.int32)
    steps[first] = 0
    total = np.cumsum(steps)
    starts = np.flatnonzero(first)
    distance = np.empty_like(total)
    distance[order] = total - np.repeat(total[starts], np.diff([*starts, len(order)]))
    return distance


def apart(keys: Ints, low: Ints, high: Ints) -> Ints:
    """Return what to add to numbers of each row, so that no two groups have one in common.

    ``low`` and ``high`` are the numbers between which a row's lie. Of a higher key, all become
    higher.
    """
    if not len(keys):
        return np.zeros(0, np.int64)
    groups, row = np.unique(keys, return_inverse=True)
    least = np.full(len(groups), np.iinfo(np.int64).max)
    most = np.full(len(groups), np.iinfo(np.int64).min)
    np.minimum.at(least, row, low)
    np.maximum.at(most, row, high)
    spans = most - least + 1
    shift: Ints = (np.cumsum(spans) - spans - least)[row]
    return shift


def before(keys: Ints, values: Ints) -> Ints:
    """Return the highest value of the group's earlier rows; -1 if there are none.

    The values of a higher key are higher, and none is negative (see ``apart``).
    """
    order = np.argsort(keys, kind="stable")
    highest = np.maximum.accumulate(values[order])
    found = np.full(len(keys), -1, np.int64)
    found[order[1:]] = highest[:-1]
    found[order[begins(keys[order])]] = -1
    return found


AT_ONCE = 1 << 22
"""So many pieces are looked at together."""


def first_seen(start: Ints, end: Ints) -> Ints:
    """Return how many of the numbers from ``start`` to before ``end`` are in no earlier row.

    Ranges are cut into pieces at all their ends; a piece belongs to the first row that has it.
    """
    edges = np.unique(np.concatenate((start, end)))
    lengths = np.diff(edges)
    low, high = np.searchsorted(edges, start), np.searchsorted(edges, end)
    taken = np.zeros(len(edges), bool)
    seen = np.zeros(len(start), np.int64)
    for rows in _portions(high - low):
        count = (high - low)[rows]
        row = np.repeat(np.arange(rows.start, rows.stop), count)
        piece = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        piece += np.repeat(low[rows], count)
        free = ~taken[piece]
        row, piece = row[free], piece[free]
        piece, at = np.unique(piece, return_index=True)  # the first row of each
        taken[piece] = True
        np.add.at(seen, row[at], lengths[piece])
    return seen


def _portions(counts: Ints) -> list[slice]:
    """Cut rows into portions of which each has not too many pieces, but one row at least."""
    portions, start = [], 0
    total = np.cumsum(counts)
    while start < len(counts):
        done = total[start - 1] if start else 0
        stop = max(int(np.searchsorted(total, done + AT_ONCE, "right")), start + 1)
        portions.append(slice(start, stop))
        start = stop
    return portions
