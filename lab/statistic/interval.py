"""Medians and their bootstrap intervals.

The percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, section 13.3) of
a median needs no assumption on the distribution. Below five values it cannot reach its confidence:
the widest interval there is, from the least to the greatest of n, misses the median with
probability 2 * 0.5^n: 12.5 % for four, 6.25 % for five.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.errors import UsageError

CONFIDENCE = 0.95
"""How often an interval should hold the true median."""

FEWEST = 5
"""How many values an interval needs."""

RESAMPLES = 5000
_BLOCK = 1_000_000
"""Numbers drawn at a time: 8 MB."""

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """A median, and where the true one lies with :data:`CONFIDENCE`."""

    low: float | None
    """None if there are fewer than :data:`FEWEST` values."""
    median: float
    high: float | None
    values: int
    """how many it rests on; of a difference, those of the smaller sample"""

    @property
    def too_few(self) -> bool:
        """Whether there are too few values for an interval."""
        return self.low is None

    def holds(self, value: float) -> bool:
        """Whether ``value`` could be the true one; without an interval, any could."""
        return self.low is None or self.high is None or self.low <= value <= self.high

    def map(self, function: Callable[[float], float]) -> Interval:
        """The interval of a rising function of what this one is of."""
        ends = [None if end is None else function(end) for end in (self.low, self.high)]
        return Interval(ends[0], function(self.median), ends[1], self.values)

    def turned(self) -> Interval:
        """The interval of the negative of what this one is of."""
        ends = [None if end is None else -end for end in (self.high, self.low)]
        return Interval(ends[0], -self.median, ends[1], self.values)


def median_interval(values: Sequence[float], *, seed: int = 1) -> Interval:
    """The median of ``values``, in their unit, and its interval.

    :raises UsageError: there are none, or one is not finite.
    """
    sample = sample_of(values)
    return interval_of(float(np.median(sample)), sample.size, lambda: medians(sample, seed))


def sample_of(values: Sequence[float]) -> Floats:
    """The values as an array.

    :raises UsageError: there are none, or one is not finite.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not sample.size:
        raise UsageError("statistics need a row of at least one number")
    if not np.isfinite(sample).all():
        raise UsageError("statistics need finite numbers: leave out what is unknown")
    return sample


def medians(sample: Floats, seed: int | Sequence[int]) -> Floats:
    """The medians of :data:`RESAMPLES` samples that are drawn from ``sample``, with repetition."""
    draw = np.random.default_rng(seed)
    rows = max(1, _BLOCK // sample.size)
    parts = [
        np.median(draw.choice(sample, size=(min(rows, RESAMPLES - done), sample.size)), axis=1)
        for done in range(0, RESAMPLES, rows)
    ]
    return np.concatenate(parts)


def interval_of(median: float, count: int, resampled: Callable[[], Floats]) -> Interval:
    """The interval around ``median``; ``resampled()`` gives what resampling makes of it."""
    if count < FEWEST:
        return Interval(None, median, None, count)
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled(), [outside, 1 - outside], method="inverted_cdf")
    return Interval(float(low), median, float(high), count)
