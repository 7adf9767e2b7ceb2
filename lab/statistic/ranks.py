"""Two samples by the order of their values: how far they stand apart, and whether by chance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lab.statistic.interval import Floats

_EXACT = 20_000_000
"""Additions that the exact test may take: a tenth of a second."""

Ranks = NDArray[np.int64]


def cliffs_delta(first: Floats, second: Floats) -> float:
    """How much more often a value of ``second`` is above one of ``first`` than below: -1 to 1.

    Cliff, Dominance statistics, Psychological Bulletin 114 (1993).
    """
    ordered = np.sort(first)
    below = np.searchsorted(ordered, second, side="left").sum()
    above = first.size * second.size - np.searchsorted(ordered, second, side="right").sum()
    return float((below - above) / (first.size * second.size))


def rank_test(first: Floats, second: Floats) -> float:
    """The probability that chance alone sets two samples of one distribution so far apart.

    Wilcoxon's rank-sum test (Mann and Whitney's), two-sided, with ties as they are: over all ways
    to deal the ranks, or by the normal distribution where those are too many to count.
    """
    ranks = _doubled_ranks(np.concatenate([first, second]))
    size = min(first.size, second.size)
    seen = int(ranks[: first.size].sum() if first.size == size else ranks[first.size :].sum())
    work = size * ranks.size * int(ranks.sum())
    return _exact(ranks, size, seen) if work <= _EXACT else _normal(ranks, size, seen)


def _doubled_ranks(values: Floats) -> Ranks:
    """Twice the rank of each value, those of equal ones shared: whole numbers."""
    ordered = np.sort(values)
    left = np.searchsorted(ordered, values, side="left")
    right = np.searchsorted(ordered, values, side="right")
    return left + right + 1


def _exact(ranks: Ranks, size: int, seen: int) -> float:
    """Of all choices of ``size`` ranks, the share whose sum is as far from the middle."""
    total = int(ranks.sum())
    ways = np.zeros((size + 1, total + 1))
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : total + 1 - rank].copy()
    middle = total * size / ranks.size
    far = np.abs(np.arange(total + 1) - middle) >= abs(seen - middle) - 1e-9
    return min(1.0, float(ways[size][far].sum() / ways[size].sum()))


def _normal(ranks: Ranks, size: int, seen: int) -> float:
    """The same by the normal distribution that the sum of many ranks has."""
    others = ranks.size - size
    spread = math.sqrt(float(ranks.var()) * size * others / (ranks.size - 1))
    if not spread:
        return 1.0  # all values are equal
    return math.erfc(abs(seen - float(ranks.mean()) * size) / spread / math.sqrt(2))
