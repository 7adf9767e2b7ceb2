"""Changes to a topology file's data before they are checked: ``links.wifi.rate=2 Mbit/s``. Pure.

A mistake in one is told as a mistake in the file is, and points into the text of the override.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lab.errors import UsageError
from lab.load.text import Source, decode
from lab.load.tree import Place, Tree, Value, read
from lab.model import KeyPath
from lab.model.names import hint, shown

OPTION: Final = "--override"
"""What messages call the place."""

_SECTIONS: Final = ("hosts", "routers", "switches", "links")
"""What they hold by name is changed, never added: it would lack the rest of it."""

_FREE: Final = ("sysctls", "addresses")
"""Mappings whose keys are no words of the format, and may have dots in them."""


def override(tree: Tree, overrides: Sequence[str]) -> Tree:
    """What a file holds with these changes, each ``KEY=VALUE``; the last one counts."""
    for text in overrides:
        tree = _changed(tree, text)
    return tree


def _changed(tree: Tree, text: str) -> Tree:
    name, _, written = text.partition("=")
    source = Source.of(decode(text, OPTION), OPTION)
    value = read(" " * (len(name) + 1) + written, source)
    mistakes = [*tree.mistakes, *value.mistakes]
    if not value.complete:
        return tree._replace(mistakes=mistakes, complete=False)
    try:
        steps = [*_steps(tree.data, name)]
    except _Misleads as problem:
        mistakes.append(source.mistake(0, problem.column, str(problem)))
        return tree._replace(mistakes=mistakes, complete=False)
    path = tuple(step.key for step in steps)
    _put(tree.data, path, value.data)
    places = {place: at for place, at in tree.places.items() if place[: len(path)] != path}
    for number, step in enumerate(steps):
        places.setdefault(path[: number + 1], Place((0, step.column), (0, step.column), source))
    places |= {(*path, *inner): at for inner, at in value.places.items() if inner}
    places[path] = Place((0, steps[-1].column), value.places[()].value, source)
    return Tree(tree.data, places, mistakes, tree.complete)


class _Step(NamedTuple):
    key: str | int
    column: int


class _Misleads(UsageError):
    """A key leads nowhere; ``column`` is where it begins to."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column = column


def _steps(data: Value, name: str) -> Iterator[_Step]:
    """The keys that lead through ``data`` to what ``name`` names, whether it is there or not."""
    path: KeyPath = ()
    column = 0
    while column <= len(name):
        word = _word(data, path, name[column:])
        key = _key(data, path, word, column)
        yield _Step(key, column)
        path = (*path, key)
        data = _inner(data, key)
        column += len(word) + 1


def _word(data: Value, path: KeyPath, rest: str) -> str:
    """The next key in ``rest``: the longest that is there, since names may have dots."""
    if path and path[-1] in _FREE:
        return rest
    there = data if isinstance(data, dict) else {}
    fitting = [key for key in there if f"{rest}.".startswith(f"{key}.")]
    return max(fitting, key=len, default=rest.partition(".")[0])


def _key(data: Value, path: KeyPath, word: str, column: int) -> str | int:
    if isinstance(data, list):
        if not word.isdecimal() or int(word) >= len(data):
            last = len(data) - 1
            raise _Misleads(column, f"{shown(word)} is no entry of this list: they are 0 to {last}")
        return int(word)
    if isinstance(data, str):
        raise _Misleads(
            column, f"{_dotted(path)} is {shown(data)}, which has no part {shown(word)}"
        )
    known = data or {}
    if len(path) == 1 and path[0] in _SECTIONS and word not in known:
        kind = str(path[0]).removesuffix("es" if path[0] == "switches" else "s")
        raise _Misleads(column, f"this topology has no {kind} {shown(word)} ({hint(word, known)})")
    return word


def _inner(data: Value, key: str | int) -> Value:
    if isinstance(data, list) and isinstance(key, int):
        return data[key]
    return data.get(str(key)) if isinstance(data, dict) else None


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def _put(data: Value, path: KeyPath, value: Value) -> None:
    """Put the value there; mappings that lead to it are made."""
    for number, key in enumerate(path):
        last = number + 1 == len(path)
        if isinstance(data, list) and isinstance(key, int):
            data[key] = value if last else data[key] or {}
            data = data[key]
        elif isinstance(data, dict):
            data[str(key)] = value if last else data.get(str(key)) or {}
            data = data[str(key)]
