"""Stores: directories of runs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.errors import UsageError
from lab.result.kept import Result
from lab.result.kept import open as open_run
from lab.run import MANIFEST


def runs(
    store: Path | str, *, damaged: Callable[[str], None] = warnings.warn, newest_first: bool = False
) -> Iterator[Result]:
    """Read the runs of a store, the oldest first; what cannot be read is told to ``damaged``.

    :raises UsageError: there is no such directory.
    """
    for directory in directories(Path(store), newest_first=newest_first):
        try:
            yield open_run(directory)
        except UsageError as problem:
            damaged(str(problem))


def directories(store: Path, *, newest_first: bool = False) -> list[Path]:
    """The runs of a store by their names, which begin with the time: what has a manifest.

    :raises UsageError: there is no such directory.
    """
    if not store.is_dir():
        raise UsageError(f"{store}: no such directory, so no runs")
    try:
        names = sorted(os.listdir(store), reverse=newest_first)  # noqa: PTH208 - names are enough
    except OSError as error:
        raise UsageError(f"{store}: cannot be read: {error.strerror}") from error
    return [store / name for name in names if is_run(store / name)]


def is_run(directory: Path) -> bool:
    """Whether there is a manifest; not in a directory that is being made, whose name is hidden."""
    return not directory.name.startswith(".") and (directory / MANIFEST).exists()


def find_run(run: Path | None, results: Path = Path("results")) -> Path:
    """The directory of a run: a path, a name in ``results``, the end of one, or None: its newest.

    :raises UsageError: there is none yet, or several names end so.
    """
    found = directories(results) if results.is_dir() else []
    if run is not None:
        return run if run.exists() else _named(str(run), found) or run
    if not found:
        raise UsageError(
            f"no run in {results.absolute()} yet: pytest and mptcp-lab demo keep theirs in "
            "results/ of the directory that they are started in"
        )
    return found[-1]


def _named(name: str, known: list[Path]) -> Path | None:
    """The one directory with this name, or whose name ends so."""
    for directory in known:
        if directory.name == name:
            return directory
    ending = [directory for directory in known if directory.name.endswith(f"-{name}")]
    if len(ending) > 1:
        names = "\n    ".join(directory.name for directory in ending)
        raise UsageError(f"{len(ending)} runs have names that end in {name}:\n    {names}")
    return ending[0] if ending else None
