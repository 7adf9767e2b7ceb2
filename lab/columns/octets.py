"""Fields gathered from many places of a file at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]


def pick(column: Array, rows: Ints) -> Array:
    """Return some rows, which are in order and each once: the column itself, if these are all."""
    return column if len(rows) == len(column) else column[rows]


def among(column: Array, values: Sequence[int]) -> Bools:
    """Tell which numbers are one of a few: in a tenth of the time that `numpy.isin` takes."""
    found: Bools = column == values[0]
    for value in values[1:]:
        found |= column == value
    return found


class Octets:
    """The octets of a file; ``octets.u4(at)`` gives the 32-bit numbers that begin at ``at``.

    Who asks has made sure that the fields lie within the file: NumPy raises IndexError else.
    """

    def __init__(self, data: npt.NDArray[np.uint8]) -> None:
        self.data = data
        self.memory = data.data

    def u1(self, at: Ints) -> npt.NDArray[np.uint8]:
        """Return the octets at these places."""
        return self.data[at]

    def u2(self, at: Ints) -> npt.NDArray[np.uint16]:
        """Return the 16-bit numbers that begin at these places."""
        return self.take("u2", at)

    def u4(self, at: Ints) -> npt.NDArray[np.uint32]:
        """Return the 32-bit numbers that begin at these places."""
        return self.take("u4", at)

    def u8(self, at: Ints) -> npt.NDArray[np.uint64]:
        """Return the 64-bit numbers that begin at these places."""
        return self.take("u8", at)

    def take(self, code: str, at: Ints) -> Array:
        """Return the numbers that begin at these places, by NumPy's name of their type."""
        return self._at_any(np.dtype(">" + code))[at].astype(code)

    def rows(self, at: Ints, length: int) -> npt.NDArray[np.uint8]:
        """Return so many octets from each place, one row each."""
        return self.headers(at, np.dtype(("u1", (length,))))

    def headers(self, at: Ints, header: np.dtype[Any]) -> Array:
        """Return what begins at these places, as elements of any type.

        NumPy gathers octets without meaning several times as fast as structures, and a structure
        faster than its fields one by one.
        """
        return self._at_any(np.dtype(f"V{header.itemsize}"))[at].view(header)

    def _at_any(self, element: np.dtype[Any]) -> Array:
        """Return the file as elements that begin at every octet of it."""
        size = element.itemsize
        if len(self.data) < size:
            return np.zeros(0, element)
        return np.ndarray(len(self.data) - size + 1, element, self.data, strides=(1,))
