"""Reading what can be read of data that may have mistakes.

The checks of :mod:`lab.model.network` and :mod:`lab.model.links` pass over what cannot be read,
since :mod:`lab.model.shape` speaks of it. So one mistake does not hide another, nor make one up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from lab.errors import UsageError
from lab.model.problem import KeyPath

T = TypeVar("T")


class Found(NamedTuple, Generic[T]):
    """A value that could be read, and where it stands."""

    path: KeyPath
    value: T


def mapping(value: object) -> Mapping[str, object]:
    """``value`` if it is a mapping, or else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(data: Mapping[str, object], section: str) -> list[Found[object]]:
    """What a section holds by name; nothing if it is not a mapping."""
    return [Found((section, name), value) for name, value in mapping(data.get(section)).items()]


def texts(path: KeyPath, value: object) -> list[Found[str]]:
    """The texts in a list, or the one that stands for a list."""
    if isinstance(value, str):
        return [Found(path, value)]
    items = value if isinstance(value, list) else []
    return [Found((*path, i), item) for i, item in enumerate(items) if isinstance(item, str)]


def readable(parse: Callable[[str], T], found: list[Found[str]]) -> Iterator[Found[T]]:
    """What ``parse`` makes of the texts that it can read."""
    for path, text in found:
        try:
            yield Found(path, parse(text))
        except UsageError:
            continue
