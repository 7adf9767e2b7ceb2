"""Parameters of scenarios, as text outside and as values inside. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lab.errors import MistakenFile, UsageError
from lab.load.text import Source
from lab.model.names import shown

Parameter = TypeVar("Parameter", bool, int, float, str)
"""A scenario's default has one of these types, and so has the value."""


def assignments(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Values by their names, from texts such as ``NAME=VALUE`` given to an option.

    :raises UsageError: one has no name or value, or a name comes twice.
    """
    values: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name.strip() or not value.strip():
            raise UsageError(f"{option} {shown(text)} is not NAME=VALUE")
        if name in values:
            raise UsageError(f"{option} {name} is given twice: {values[name]} and {value}")
        values[name] = value
    return values


def value(name: str, text: str, default: Parameter) -> Parameter:
    """The value that ``text`` gives a parameter; it has the type of the scenario's default.

    :raises MistakenFile: it is not of that type.
    """
    kind = type(default)
    try:
        found: Parameter = _READERS[kind](text.strip())
    except (KeyError, ValueError):
        message = (
            f"{shown(text)} is not {_SHAPES[kind]}, as the default of {shown(name)} is "
            f"({written(default)})"
        )
        raise mistaken(name, text, len(name) + 1, message) from None
    return found


def mistaken(name: str, text: str, column: int, message: str) -> MistakenFile:
    """The error that points at a column, which counts from 0, of ``--parameter NAME=TEXT``."""
    source = Source.of(f"{name}={text}", "--parameter")
    return MistakenFile([source.mistake(0, column, message)])


def written(value: float | str) -> str:
    """A value as it is written on a command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _whole(text: str) -> int:
    if not re.fullmatch("[+-]?[0-9]{1,18}", text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    if not math.isfinite(float(text)):  # JSON has no such numbers, and the manifest is JSON
        raise ValueError(text)
    return float(text)


_READERS: dict[type, Callable[[str], Any]] = {
    bool: _boolean,
    int: _whole,
    float: _number,
    str: str,
}

_SHAPES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
}
