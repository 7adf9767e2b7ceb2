"""Removing runs: only what is one, and no run that goes on."""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from lab.errors import UsageError
from lab.result.kept import Result
from lab.result.listing import when
from lab.run import HIDDEN, RECORDS, Verdict

GONE = f"{HIDDEN}gone-"
"""What the name of a run begins with while it is removed."""

_AGE = re.compile(r"(\d{1,6}) *(minute|hour|day|week)s?")


class Rule(NamedTuple):
    """Which runs may go."""

    verdicts: tuple[Verdict, ...] = ()
    """One of these; empty: any."""
    older_than: timedelta | None = None
    """Since they were started."""
    keep_last: int = 0
    """Of those that are as above, the newest so many stay."""

    def of(self, results: Iterable[Result], now: datetime) -> list[Result]:
        """Those that may go, of results whose oldest is first."""
        found = [result for result in results if self._has(result, now)]
        return found[: len(found) - self.keep_last] if self.keep_last < len(found) else []

    def _has(self, result: Result, now: datetime) -> bool:
        if self.verdicts and result.verdict not in self.verdicts:
            return False
        if result.directory.is_symlink():  # the run is elsewhere
            return False
        if self.older_than is None:
            return True
        started = when(result.manifest.get("started"))
        return started is not None and now - started > self.older_than


def age(text: str) -> timedelta:
    """A time such as ``30 days``.

    :raises UsageError: it is none.
    """
    found = _AGE.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{text!r} is no age: a number and minutes, hours, days or weeks")
    return timedelta(**{f"{found[2]}s": int(found[1])})


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)


def size(result: Result) -> int:
    """Bytes that the files of a run hold."""
    paths = result.directory.rglob("*")
    return sum(path.lstat().st_size for path in paths if not path.is_dir() or path.is_symlink())


def goes_on(result: Result) -> bool:
    """Whether the process that makes the run lives."""
    with _held(result) as free:
        return not free


def remove(result: Result) -> bool:
    """Remove a run, unless it goes on; tell whether.

    It is hidden first: if this is interrupted, nothing is left that looks like a run.

    :raises OSError: it cannot be removed.
    """
    with _held(result) as free:
        if free:
            directory = result.directory
            shutil.rmtree(directory.rename(directory.with_name(f"{GONE}{directory.name}")))
        return free


def finish(store: Path) -> None:
    """Remove what was left when removing was interrupted."""
    for directory in store.glob(f"{GONE}*"):
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _held(result: Result) -> Iterator[bool]:
    """Lock the records of a run, as whoever makes it does; False: that one holds them."""
    path: Path = result.directory / RECORDS
    if not path.is_file():
        yield True
        return
    with path.open("rb") as records:
        try:
            fcntl.flock(records, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
