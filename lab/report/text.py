"""Values, rows and commands, as people read them."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text


def how_to_look(directory: Path) -> str:
    """The command that shows a run, to be pasted into a shell in the present directory."""
    program = shutil.which("mptcp-lab") or Path(sys.executable).with_name("mptcp-lab")
    return shlex.join([_nearby(Path(program)), "show", _nearby(directory)])


def _nearby(path: Path) -> str:
    """The path as people write it: from here, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def add_row(table: Table, *cells: str) -> None:
    """Add a row of plain text, in which brackets mean nothing."""
    table.add_row(*map(Text, cells))


def entries(value: Any) -> str:
    """A value of the manifest, its entries one a line."""
    if isinstance(value, dict):
        return "\n".join(f"{name} {in_words(entry)}" for name, entry in value.items())
    return in_words(value)


def in_words(value: Any) -> str:
    """A value as people write it; a list is a command line, to be pasted."""
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    if isinstance(value, dict):
        return ", ".join(f"{name} {in_words(entry)}" for name, entry in value.items())
    return shlex.join(map(str, value)) if isinstance(value, list) else str(value)
