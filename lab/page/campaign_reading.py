"""What a campaign's directory holds: its plan, its attempts, and the runs that they left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from lab import files
from lab.errors import LabError, UsageError
from lab.result import Result
from lab.result import open as open_run
from lab.result.reading import listed, mapping, read_json

PLAN, JOURNAL, RUNS = "campaign.json", "journal.jsonl", "runs"


@dataclass(frozen=True)
class Attempt:
    """A line of the journal; of what it lacks, nothing is known."""

    scenario: str
    choices: Mapping[str, str]
    """Parameters and overrides."""
    repetition: int
    verdict: str
    reason: str
    run: str
    """The name of its directory; empty if it left none."""
    seconds: float
    worker: str

    @property
    def point(self) -> tuple[str, tuple[tuple[str, str], ...], int]:
        """What its further attempts have in common."""
        return (self.scenario, tuple(self.choices.items()), self.repetition)


@dataclass
class Measured:
    """One figure of one combination: a value of each run that passed."""

    unit: str
    better: str | None
    values: list[float] = field(default_factory=list)


@dataclass
class Combination:
    """A scenario with one value for each parameter and override."""

    scenario: str
    choices: Mapping[str, str]
    attempts: list[Attempt] = field(default_factory=list)
    figures: dict[str, Measured] = field(default_factory=dict)

    @property
    def chosen(self) -> str:
        """What is chosen, for people."""
        return ", ".join(f"{name}={value}" for name, value in self.choices.items()) or "as it is"


@dataclass(frozen=True)
class Campaign:
    """Everything that its page is made of."""

    directory: Path
    plan: Mapping[str, Any]
    """``campaign.json``."""
    combinations: tuple[Combination, ...]
    attempts: tuple[Attempt, ...]
    runs: Mapping[str, Result]
    """By the names of their directories."""
    total: int
    """Points of the plan: combinations times repetitions."""
    problems: tuple[str, ...]

    def outcomes(self) -> dict[str, int]:
        """Points by the verdict of their last attempt."""
        last = {attempt.point: attempt.verdict for attempt in self.attempts}
        return {word: [*last.values()].count(word) for word in dict.fromkeys(last.values())}


def read(directory: Path) -> Campaign:
    """Read a campaign; what is damaged is a problem of the page, not its end.

    :raises UsageError: there is none.
    """
    problems: list[str] = []
    plan = _plan(directory / PLAN)
    attempts = tuple(_attempts(directory / JOURNAL, problems))
    runs = dict(_runs(directory, attempts, problems))
    order = [mapping(point) for point in listed(plan.get("order"))]
    groups: dict[tuple[Any, ...], Combination] = {}
    rank = _ranks(mapping(plan.get("plan")))
    for scenario, choices in sorted(_points(order, attempts), key=lambda p: (p[0], *rank(p[1]))):
        groups.setdefault((scenario, *choices.items()), Combination(scenario, choices))
    for attempt in attempts:
        group = groups[attempt.scenario, *attempt.choices.items()]
        group.attempts.append(attempt)
        if attempt.verdict == "passed" and attempt.run in runs:
            _measure(group, runs[attempt.run])
    total = len(order) or len({attempt.point for attempt in attempts})
    return Campaign(directory, plan, tuple(groups.values()), attempts, runs, total, tuple(problems))


def _plan(path: Path) -> Mapping[str, Any]:
    plan = read_json(path, "campaign")
    if not isinstance(plan, dict):
        raise UsageError(f"{path}: no campaign, but {type(plan).__name__}")
    return plan


def _points(
    order: Sequence[Mapping[str, Any]], attempts: tuple[Attempt, ...]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    for point in order:
        yield str(point.get("scenario")), choices_of(point)
    for attempt in attempts:
        yield attempt.scenario, attempt.choices


def _ranks(plan: Mapping[str, Any]) -> Callable[[Mapping[str, str]], list[tuple[int, str]]]:
    """What sorts choices as the plan has their values."""
    written = {**mapping(plan.get("parameters")), **mapping(plan.get("overrides"))}
    places = {name: [str(value) for value in listed(values)] for name, values in written.items()}

    def rank(choices: Mapping[str, str]) -> list[tuple[int, str]]:
        return [
            (places[name].index(value) if value in places.get(name, ()) else 0, value)
            for name, value in choices.items()
        ]

    return rank


def choices_of(point: Mapping[str, Any]) -> dict[str, str]:
    """Parameters and overrides of a point, as text."""
    both = {**mapping(point.get("parameters")), **mapping(point.get("overrides"))}
    return {str(name): str(value) for name, value in both.items()}


def _attempts(path: Path, problems: list[str]) -> Iterator[Attempt]:
    try:
        lines = files.read(path).splitlines()
    except OSError as error:
        problems.append(f"{path.name}: {error.strerror}")
        return
    for number, line in enumerate(lines, 1):
        try:
            yield _attempt(json.loads(line))
        except (ValueError, TypeError, AttributeError, RecursionError):
            problems.append(f"{path.name}:{number}: this line is damaged, and left out")


def _attempt(line: Mapping[str, Any]) -> Attempt:
    return Attempt(
        str(line.get("scenario")), choices_of(line), int(line.get("repetition") or 0),
        str(line.get("verdict")), str(line.get("reason") or ""), str(line.get("run") or ""),
        float(line.get("seconds") or 0), str(line.get("worker") or ""),
    )  # fmt: skip


def _runs(
    directory: Path, attempts: tuple[Attempt, ...], problems: list[str]
) -> Iterator[tuple[str, Result]]:
    for name in dict.fromkeys(attempt.run for attempt in attempts if attempt.run):
        if Path(name).name != name:
            problems.append(f"{name}: no name of a run")
            continue
        try:
            yield name, open_run(directory / RUNS / name)
        except LabError as problem:
            problems.append(str(problem))


def _measure(group: Combination, run: Result) -> None:
    for name, figure in run.figures.items():
        value = figure.get("value")
        if isinstance(value, int | float) and isfinite(value):
            better = figure.get("better")
            fresh = Measured(str(figure.get("unit") or ""), better if better else None)
            group.figures.setdefault(name, fresh).values.append(float(value))
