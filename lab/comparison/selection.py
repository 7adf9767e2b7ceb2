"""Which runs are meant: ``PATH``, or ``STORE:SCENARIO,NAME=VALUE,…``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import UsageError
from lab.result import Result, find_run, runs
from lab.result import open as open_run
from lab.run import Verdict

_USED = (Verdict.PASSED, Verdict.FAILED)
"""Verdicts of runs whose figures count. Of a failed run too: a scenario that fails when it is slow
would else look fast. An invalid run proves nothing, and a skipped one measured nothing."""


@dataclass(frozen=True)
class Selection:
    """Some runs, and what was left out."""

    name: str
    """as it was asked for"""
    used: tuple[Result, ...]
    left_out: Mapping[str, int]
    """how many were skipped, invalid, incomplete, or damaged"""
    pinned: frozenset[str] = frozenset()
    """parameters and overrides by which the runs were selected"""


@dataclass(frozen=True)
class _Asked:
    """What a text asks for."""

    path: Path
    scenario: str
    """with ``*`` and ``?``; the whole id, or what stands behind ``::``"""
    values: Mapping[str, str]

    def meets(self, result: Result) -> bool:
        """Whether a run is one of those."""
        pattern = re.escape(self.scenario).replace(r"\*", ".*").replace(r"\?", ".")
        names = (result.scenario, result.scenario.partition("::")[2])
        chosen = settings(result)
        return any(re.fullmatch(pattern, name, re.DOTALL) for name in names) and all(
            chosen.get(name) == value for name, value in self.values.items()
        )


def settings(result: Result) -> dict[str, str]:
    """Parameters and overrides of a run as they are written on a command line."""
    return {name: written(value) for name, value in (result.overrides | result.parameters).items()}


def written(value: object) -> str:
    """A parameter's value as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def selected(text: str, results: Path = Path("results")) -> Selection:
    """Read what ``text`` asks for; a name of a run is looked for in ``results``, too.

    :raises UsageError: there is no such place, or nothing in it is meant.
    """
    asked = _asked(text, results)
    damaged: list[str] = []
    found = [each for each in _read(asked.path, damaged) if asked.meets(each)]
    if not found:
        raise UsageError(f"{text}: {_nothing(asked, damaged)}")
    left_out = {"damaged": len(damaged)} if damaged else {}
    for result in found:
        if result.verdict not in _USED:
            left_out[result.verdict] = left_out.get(result.verdict, 0) + 1
    used = tuple(result for result in found if result.verdict in _USED)
    return Selection(text, used, left_out, frozenset(asked.values))


def _asked(text: str, results: Path) -> _Asked:
    """The whole text is a path if there is such a file; else up to a colon."""
    whole = find_run(Path(text), results)
    if whole.exists():
        return _Asked(whole, "*", {})
    for colon in (match.start() for match in re.finditer(":", text)):
        path = Path(text[:colon])
        if text[:colon] and path.exists():
            # A comma that no NAME= follows belongs to the scenario's id.
            scenario, *values = re.split(r",(?=[\w.-]+=)", text[colon + 1 :])
            pairs = (each.partition("=") for each in values)
            return _Asked(path, scenario or "*", {name: value for name, _, value in pairs})
    raise UsageError(
        f"{text}: no such run, store or campaign. Some runs of a store are asked for as "
        "STORE:SCENARIO,NAME=VALUE, with * in the scenario for anything"
    )


def _read(path: Path, damaged: list[str]) -> Iterator[Result]:
    """The runs of a run's directory, of a campaign's, or of a store."""
    if (path / "manifest.json").exists():
        return iter([open_run(path)])
    store = path / "runs" if (path / "campaign.json").exists() else path
    return runs(store, damaged=damaged.append)


def _nothing(asked: _Asked, damaged: list[str]) -> str:
    if damaged:
        return f"no run that can be read; the first: {damaged[0]}"
    if asked.scenario == "*" and not asked.values:
        return "no runs in it"
    known = sorted({each.scenario for each in _read(asked.path, [])})
    return f"no run of it is meant; it has runs of {', '.join(known[:5]) or 'nothing'}"
