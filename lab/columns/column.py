"""Columns that take no memory, and columns that get longer."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.columns.octets import Array


def nothing(rows: int, dtype: Any, *shape: int) -> Array:
    """Return a column of zeros that takes no memory, for fields that occur nowhere."""
    return np.broadcast_to(np.zeros((), dtype), (rows, *shape))


def is_nothing(column: Array) -> bool:
    """Tell whether there are no rows, or only zeros that take no memory."""
    return not len(column) or (column.strides[0] == 0 and not column[:1].any())


class Growing:
    """A column made of parts as they come; of those that are nothing it needs no memory.

    ``room`` is how many rows there may be. Memory is used where it is written to, so this may be
    far too many; if it is too few, what is there is copied into a larger column.
    """

    def __init__(self, like: Array, room: int) -> None:
        self._room, self._filled = room, 0
        self._column = np.empty((0, *like.shape[1:]), like.dtype)
        self._late: list[tuple[int, Array]] = []

    def put(self, begin: int, part: Array) -> None:
        """Write the rows from ``begin`` on, which are behind those of earlier parts."""
        if is_nothing(part):
            return
        if begin > self._filled:  # between them is nothing, and it takes no memory until the end
            self._late.append((begin, part))
            return
        end = begin + len(part)
        if end > len(self._column):
            self._resize(max(self._room, 2 * end))
        self._column[begin:end] = part
        self._filled = end

    def whole(self, rows: int) -> Array:
        """Return the column, with zeros where no part was written."""
        if not self._filled and not self._late:
            return nothing(rows, self._column.dtype, *self._column.shape[1:])
        if self._filled == rows:
            self._resize(rows)
            return self._column
        column = np.zeros((rows, *self._column.shape[1:]), self._column.dtype)
        for begin, part in [(0, self._column[: self._filled]), *self._late]:
            column[begin : begin + len(part)] = part
        return column

    def _resize(self, rows: int) -> None:
        if self._filled:
            self._column.resize((rows, *self._column.shape[1:]), refcheck=False)
        else:
            self._column = np.empty((rows, *self._column.shape[1:]), self._column.dtype)
