"""Tables: frozen dataclasses whose fields are arrays of the same length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from lab.columns.octets import Array, Bools, Ints


def nothing(rows: int, dtype: Any, *shape: int) -> Array:
    """Return a column of zeros that takes no memory, for fields that occur nowhere."""
    return np.broadcast_to(np.zeros((), dtype), (rows, *shape))


def distinct(column: Array) -> list[int]:
    """Return the different numbers in a column, which mostly is one."""
    if len(column) and column.min() == column.max():
        return [int(column[0])]
    return [int(each) for each in np.unique(column)]


def filled(
    rows: int, parts: Sequence[tuple[Ints, Array]], dtype: Any, shape: tuple[int, ...]
) -> Array:
    """Return a column with values at some rows, and zeros elsewhere."""
    if not any(len(row) for row, _ in parts):
        return nothing(rows, dtype, *shape)
    column = np.zeros((rows, *shape), dtype)
    for row, values in parts:
        column[row] = values
    return column


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with named columns; a column of addresses or octets has a second dimension."""

    def __len__(self) -> int:
        return len(next(self.columns())[1])

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(each.name for each in fields(cls))

    def columns(self) -> Iterator[tuple[str, Array]]:
        """Yield names and arrays."""
        return ((name, getattr(self, name)) for name in self.names())

    def take(self, rows: Ints | Bools | slice) -> Self:
        """Return some rows, by their numbers, a slice, or one bool each."""
        return type(self)(**{name: column[rows] for name, column in self.columns()})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return one table of several; zeros that take no memory still take none."""
        if len(parts) == 1:
            return parts[0]
        return cls(**{name: _joined([getattr(p, name) for p in parts]) for name in cls.names()})


def _joined(parts: list[Array]) -> Array:
    rows = sum(map(len, parts))
    filled = [part for part in parts if not _is_nothing(part)]
    if not filled:
        return nothing(rows, parts[0].dtype, *parts[0].shape[1:])
    column = np.zeros((rows, *parts[0].shape[1:]), parts[0].dtype)
    start = 0
    for part in parts:
        if not _is_nothing(part):
            column[start : start + len(part)] = part
        start += len(part)
    return column


def _is_nothing(column: Array) -> bool:
    return not len(column) or (column.strides[0] == 0 and not column[:1].any())
