"""Fewer points that look the same: of those that would cover one another, one is drawn."""

from __future__ import annotations

import numpy as np

from lab.columns.octets import Array, Ints

ACROSS, UP = 1200, 400
"""Cells of a figure: some two on each unit of the drawing, which no screen shows apart."""


def thinned(x: Array, y: Array, across: int = ACROSS, up: int = UP) -> Ints:
    """Return the rows of points that are drawn: the first one in each cell of a figure."""
    if not len(x):
        return np.zeros(0, np.int64)
    cells = _cells(x, across) * (up + 1) + _cells(y, up)
    return np.sort(np.unique(cells, return_index=True)[1])


def _cells(values: Array, count: int) -> Ints:
    low, high = float(values.min()), float(values.max())
    scale = count / (high - low) if high > low else 0.0
    return ((values - low) * scale).astype(np.int64)
