"""What the commands print: JSON, tables on a terminal, and plain columns elsewhere."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mptcpapi import Endpoint

_GAP = "  "
_PREFIXES = ("", "k", "M", "G", "T")
_STYLES = {
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
    """One line of JSON."""
    click.echo(json.dumps(plain(value), ensure_ascii=False))


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


def show_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows below the names of their columns; a cell that is None is a dash."""
    cells = [[_cell(value) for value in row] for row in rows]
    if is_terminal():
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for name in names:
            table.add_column(name, overflow="fold")
        for row in cells:
            table.add_row(*map(styled, row))
        Console().print(table)
        return
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    for row in [list(names), *cells]:
        click.echo(columns(row, widths))


def show_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """What each thing is, a line for each."""
    found = [(name, _cell(value)) for name, value in pairs]
    width = max(len(name) for name, _ in found)
    for name, value in found:
        label = name.ljust(width)
        if is_terminal():
            label = click.style(label, bold=True)
        click.echo(f"{label}{_GAP}{value}")


def columns(cells: Iterable[str], widths: Iterable[int]) -> str:
    """A line of plain text."""
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def styled(cell: str) -> Text:
    """The cell as a terminal shows it; brackets in it mean nothing."""
    return Text(cell, style=_STYLES.get(cell, "dim" if cell == "-" else ""))


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
