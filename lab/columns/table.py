"""Tables: frozen dataclasses whose fields are arrays of the same length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Generic, Self, TypeVar

import numpy as np

from lab.columns import column
from lab.columns.octets import Array, Bools, Ints


def distinct(values: Array) -> list[int]:
    """Return the different numbers in a column, which mostly is one."""
    if len(values) and values.min() == values.max():
        return [int(values[0])]
    return [int(each) for each in np.unique(values)]


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
        return type(self)(**{name: values[rows] for name, values in self.columns()})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return one table of several, of which there is at least one."""
        filled = [part for part in parts if len(part)] or parts[:1]
        if len(filled) == 1:
            return filled[0]
        growing = Growing(cls, sum(map(len, filled)))
        for part in filled:
            growing.append(part)
        return growing.table()


Kind = TypeVar("Kind", bound=Table)


class Growing(Generic[Kind]):
    """A table made of parts as they come; for ``room`` see ``lab.columns.column.Growing``."""

    def __init__(self, kind: type[Kind], room: int) -> None:
        self._kind, self._room, self._rows = kind, room, 0
        self._columns: dict[str, column.Growing] = {}

    def append(self, part: Kind) -> None:
        """Add the rows of another table."""
        for name, values in part.columns():
            if name not in self._columns:
                self._columns[name] = column.Growing(values, self._room)
            self._columns[name].put(self._rows, values)
        self._rows += len(part)

    def table(self) -> Kind:
        """Return the whole, after at least one part."""
        return self._kind(**{name: c.whole(self._rows) for name, c in self._columns.items()})
