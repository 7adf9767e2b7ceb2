"""Many runs: which of them, and what a list says of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from lab.result.kept import Result
from lab.result.store import runs
from lab.run import Verdict


class Chosen(NamedTuple):
    """Which runs are asked for."""

    verdicts: tuple[Verdict, ...] = ()
    """One of these; empty: any."""
    scenario: str | None = None
    """A pattern of the shell, which matches the id or a part of it."""
    last: int = 0
    """The newest so many; 0: all."""

    def has(self, result: Result) -> bool:
        """Whether verdict and scenario are as asked for."""
        if self.verdicts and result.verdict not in self.verdicts:
            return False
        return self.scenario is None or fnmatchcase(result.scenario, f"*{self.scenario}*")


def newest(stores: Iterable[Path], chosen: Chosen, damaged: Callable[[str], None]) -> list[Result]:
    """The chosen runs of several stores, the newest last. What is older is not even read."""
    found: list[Result] = []
    for store in stores:
        each = filter(chosen.has, runs(store, damaged=damaged, newest_first=True))
        found += islice(each, chosen.last or None)
    found.sort(key=lambda result: result.directory.name)
    return found[-chosen.last :] if chosen.last else found


def summary(result: Result) -> dict[str, Any]:
    """What a list says of a run, for JSON."""
    manifest = result.manifest
    return {
        "run": str(result.directory),
        "scenario": result.scenario,
        "verdict": str(result.verdict),
        "reason": manifest.get("reason"),
        "started": manifest.get("started"),
        "seconds": seconds(result),
        "parameters": result.parameters,
        "overrides": result.overrides,
        "figures": result.figures,
    }


def when(value: Any) -> datetime | None:
    """A time of a manifest; None if it is none."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def seconds(result: Result) -> float | None:
    """How long the run took; None if it did not end."""
    began, ended = when(result.manifest.get("started")), when(result.manifest.get("ended"))
    return (ended - began).total_seconds() if began and ended else None


def words(values: dict[str, Any]) -> Iterator[str]:
    """Parameters or overrides, as one writes them on a command line."""
    return (f"{name}={value}" for name, value in values.items())
