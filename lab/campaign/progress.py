"""How a campaign shows itself: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from lab.campaign.journal import Entry
from lab.campaign.standing import Standing
from lab.run import Verdict

_FIRST_LINE = 200


class Progress(Protocol):
    """Somebody who wants to know."""

    def tell(self, entry: Entry, standing: Standing) -> None:
        """An attempt has ended."""

    def tick(self, standing: Standing) -> None:
        """Time has passed."""

    def note(self, text: str) -> None:
        """Something to know, which may hold for a while."""


class Lines:
    """A line for each attempt, on the standard error."""

    def __init__(self) -> None:
        self._noted = ""

    def tell(self, entry: Entry, standing: Standing) -> None:
        """Print it."""
        self._noted = ""
        of = f"{standing.finished}/{standing.total}"
        click.echo(f"{of} {_line(entry)} ({standing.left()})", err=True)

    def tick(self, standing: Standing) -> None:
        """Lines do not move."""

    def note(self, text: str) -> None:
        """Print it once."""
        if text != self._noted:
            self._noted = text
            click.echo(text, err=True)


class Moving:
    """A bar, and lines above it for what did not pass."""

    def __init__(self, bar: Bar, standing: Standing) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=standing.total, counts="", left="")
        self.tick(standing)

    def tell(self, entry: Entry, standing: Standing) -> None:
        """Move it."""
        if entry.verdict is not Verdict.PASSED:
            self._bar.console.print(_line(entry), markup=False, highlight=False)
        self.tick(standing)

    def tick(self, standing: Standing) -> None:
        """Show how far it is."""
        self._bar.update(
            self._task, completed=standing.finished, counts=standing.counts(), left=standing.left()
        )

    def note(self, text: str) -> None:
        """Show it in the place of the time."""
        self._bar.update(self._task, left=text)


@contextmanager
def shown(standing: Standing) -> Iterator[Progress]:
    """What fits where the standard error goes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines()
        return
    columns = (
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[counts]}", markup=False),
        TextColumn("· {task.fields[left]}", markup=False),
    )  # fmt: skip
    with Bar(*columns, console=console) as bar:
        yield Moving(bar, standing)


def _line(entry: Entry) -> str:
    parts = [str(entry.verdict), entry.point.key]
    if entry.attempt > 1:
        parts.append(f"attempt {entry.attempt}")
    if entry.seconds:
        parts.append(f"{entry.seconds:.1f} s")
    if entry.verdict is not Verdict.PASSED and entry.reason:
        parts.append(entry.reason.splitlines()[0][:_FIRST_LINE])
    return ": ".join((parts[0], ", ".join(parts[1:])))
