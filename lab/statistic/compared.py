"""Whether one sample differs from another by more than repetition explains."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from lab.statistic.interval import (
    CONFIDENCE,
    FEWEST,
    Floats,
    Interval,
    interval_of,
    median_interval,
    medians,
    sample_of,
)
from lab.statistic.ranks import cliffs_delta, rank_test


class Conclusion(StrEnum):
    """What two samples tell."""

    DIFFERS = "differs"
    NOISE = "noise"
    SAME = "same"
    """All values of both are one and the same."""
    TOO_FEW = "too few"


class Difference(NamedTuple):
    """How ``second`` differs from ``first``."""

    first: Interval
    second: Interval
    ratio: Interval | None
    """median of the second by that of the first; None unless all values are above 0"""
    shift: Interval
    """median of the second minus that of the first, in the unit of the values"""
    effect: float
    """Cliff's delta: -1 if each value of the second is below all of the first, 1 if above"""
    chance: float
    """the probability that chance alone sets samples of one distribution so far apart"""
    conclusion: Conclusion
    reason: str
    """of the conclusion, in words"""

    @property
    def noise(self) -> bool:
        """Whether repetition explains what difference there is."""
        return self.conclusion in (Conclusion.NOISE, Conclusion.SAME)

    @property
    def higher(self) -> bool:
        """Whether the second's median is above the first's."""
        return self.shift.median > 0

    @property
    def size(self) -> str:
        """The effect in a word; the borders are those of Romano and others (2006)."""
        borders = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"))
        return next((word for border, word in borders if abs(self.effect) < border), "large")


def difference(first: Sequence[float], second: Sequence[float], *, seed: int = 1) -> Difference:
    """Compare two samples of one figure.

    :raises UsageError: one is empty, or a value is not finite.
    """
    one, other = sample_of(first), sample_of(second)
    ratio, shift = _apart(one, other, seed)
    chance = rank_test(one, other)
    conclusion, reason = _conclude(one, other, ratio or shift, chance)
    return Difference(
        median_interval(first, seed=seed), median_interval(second, seed=seed),
        ratio, shift, cliffs_delta(one, other), chance, conclusion, reason,
    )  # fmt: skip


def _apart(one: Floats, other: Floats, seed: int) -> tuple[Interval | None, Interval]:
    """The ratio and the difference of the medians, with their intervals."""
    count = min(one.size, other.size)
    low, high = float(np.median(one)), float(np.median(other))
    # Two streams of one seed, or samples of one size would be resampled in step.
    before, after = medians(one, [seed, 0]), medians(other, [seed, 1])
    shift = interval_of(high - low, count, lambda: after - before)
    if min(one.min(), other.min()) <= 0:
        return None, shift
    return interval_of(high / low, count, lambda: after / before), shift


def _conclude(one: Floats, other: Floats, apart: Interval, chance: float) -> tuple[Conclusion, str]:
    if apart.too_few:
        return Conclusion.TOO_FEW, (
            f"{one.size} and {other.size} values: {FEWEST} of each are needed"
        )
    if one.min() == one.max() == other.min() == other.max():
        return Conclusion.SAME, "the same value each time"
    none = 1.0 if one.min() > 0 and other.min() > 0 else 0.0
    if apart.holds(none):
        return Conclusion.NOISE, "the interval of the difference includes no difference"
    if chance > 1 - CONFIDENCE:
        return Conclusion.NOISE, f"chance alone does as much in {chance:.0%} of all cases"
    return Conclusion.DIFFERS, f"chance alone does as much in {chance:.2g} of all cases"
