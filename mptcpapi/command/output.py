"""What the commands print: JSON, and tables that no value is broken in."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import click

from mptcpapi import Endpoint

_GAP = "  "
_PREFIXES = ("", "k", "M", "G", "T")
_COLOURS = {
    "ESTABLISHED": "green",
    "SUB_ESTABLISHED": "green",
    "CLOSED": "red",
    "SUB_CLOSED": "red",
    "backup": "yellow",
    "TCP": "yellow",
    "ok": "green",
    "no": "red",
}
"""Of a cell that holds this word and no other."""


def is_terminal() -> bool:
    """Whether people read it as it comes."""
    return sys.stdout is not None and sys.stdout.isatty()


def show_json(value: object) -> None:
    """Print what `as_json` gives."""
    click.echo(as_json(value))


def as_json(value: object) -> str:
    """One line of JSON, in ASCII: so it is JSON in whatever encoding the locale has."""
    return json.dumps(plain(value))


def plain(value: object) -> Any:
    """What JSON can say: tokens as eight hexadecimal digits, names of enums, null for infinite."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _token(each) if name == "token" else plain(each)
                for name, each in value.items()}  # fmt: skip
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, float) and math.isinf(value):
        return None
    return value


def _token(value: object) -> object:
    return f"{value:08x}" if isinstance(value, int) else value


def room() -> float:
    """How many characters a line has room for: as many as the terminal has at this moment."""
    return shutil.get_terminal_size().columns if is_terminal() else math.inf


def show_table(
    names: Sequence[str], rows: Iterable[Sequence[object]], block: Sequence[Sequence[str]]
) -> None:
    """Print what `table` gives."""
    for line in table(names, rows, block):
        click.echo(line)


def table(
    names: Sequence[str], rows: Iterable[Sequence[object]], block: Sequence[Sequence[str]]
) -> Iterator[str]:
    """Lines: rows below the names of their columns; a cell that is None is a dash.

    Where that is wider than the terminal, each row is a ``block`` of names and values instead: the
    names in its first line, in its second, and so on.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > room():
        yield from _blocks(names, cells, block)
        return
    yield heading(columns(names, widths))
    for row in cells:
        yield columns(row, widths)


def _blocks(
    names: Sequence[str], rows: Sequence[Sequence[str]], block: Sequence[Sequence[str]]
) -> Iterator[str]:
    widths = {name: max(map(len, column)) for name, *column in zip(names, *rows, strict=True)}
    for row in rows:
        values = dict(zip(names, row, strict=True))
        for line, wanted in enumerate(block):
            parts = [_named(name, values[name], widths[name]) for name in wanted]
            yield flow(parts, _GAP if line else "")


def _named(name: str, cell: str, wide: int) -> tuple[str, int]:
    """A part of a block: a value behind its name."""
    return f"{dim(name)} {padded(cell, wide)}", len(f"{name} ") + wide


def flow(parts: Iterable[tuple[str, int]], indent: str = "") -> str:
    """The parts, each with the width that it has, as many in a line as there is room for."""
    lines, taken = [indent], len(indent)
    for part, wide in parts:
        if lines[-1].strip() and taken + wide > room():
            lines.append(_GAP)
            taken = len(_GAP)
        lines[-1] += part + _GAP
        taken += wide + len(_GAP)
    return "\n".join(line.rstrip() for line in lines)


def show_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """What each thing is, a line for each."""
    found = [(name, _cell(value)) for name, value in pairs]
    wide = max(len(name) for name, _ in found)
    for name, value in found:
        click.echo(f"{heading(name.ljust(wide))}{_GAP}{value}")


def show_text(text: str, hanging: int = 0) -> None:
    """A sentence, in as many lines as it takes; all but the first are indented by ``hanging``."""
    if is_terminal():
        text = click.wrap_text(text, int(room()), subsequent_indent=" " * hanging)
    click.echo(text)


def columns(cells: Iterable[str], widths: Iterable[int]) -> str:
    """A line of a table."""
    return _GAP.join(map(padded, cells, widths)).rstrip()


def padded(cell: str, wide: int) -> str:
    """The cell in its colour, and as wide as its column."""
    return styled(cell) + " " * (wide - len(cell))


def heading(text: str) -> str:
    """The text as what is below or behind it."""
    return click.style(text, bold=True) if _is_coloured() else text


def dim(text: str) -> str:
    """The text as what matters less."""
    return click.style(text, dim=True) if _is_coloured() else text


def styled(cell: str) -> str:
    """The cell in its colour."""
    colour = _COLOURS.get(cell)
    return click.style(cell, fg=colour) if colour and _is_coloured() else cell


def is_animated() -> bool:
    """Whether there is a terminal on which lines can be drawn anew."""
    return is_terminal() and os.environ.get("TERM") != "dumb"


def _is_coloured() -> bool:
    """Whether the terminal is to show colours (https://no-color.org)."""
    return is_animated() and not os.environ.get("NO_COLOR")


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, Enum):
        return value.name
    return str(value)


def size(count: float | None, unit: str = "B") -> str | None:
    """A number of bytes, or of bits per second, with three digits."""
    if count is None:
        return None
    if math.isinf(count):
        return "no limit"
    power = 0
    while count >= 999.5 and power < len(_PREFIXES) - 1:
        count /= 1000
        power += 1
    return f"{_three_digits(count)} {_PREFIXES[power]}{unit}"


def duration(seconds: float | None) -> str | None:
    """A time, with three digits."""
    if seconds is None:
        return None
    if seconds >= 0.9995:
        return f"{_three_digits(seconds)} s"
    return f"{_three_digits(seconds * 1000)} ms"


def _three_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 99.95 else f"{number:.3g}"


def ends(local: Endpoint | None, remote: Endpoint | None) -> str | None:
    """From where to where."""
    return f"{local} > {remote}" if local and remote else None
