"""What is wrong with the data of a topology, before anybody knows its line and column."""

from __future__ import annotations

from typing import NamedTuple

KeyPath = tuple[str | int, ...]
"""Keys and list indices that lead from the whole to a part."""


class Problem(NamedTuple):
    """One thing that is wrong."""

    path: KeyPath
    """Where it is; the end of the path may be missing from the data."""
    message: str
    at_key: bool = False
    """Whether to point at the key rather than at its value."""
