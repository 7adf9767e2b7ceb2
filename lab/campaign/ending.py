"""What a campaign has found until now: a row for each combination of a scenario and its choices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from lab.campaign.directory import Campaign
from lab.campaign.journal import outcome
from lab.campaign.points import Point, combinations
from lab.campaign.standing import counted
from lab.errors import UsageError
from lab.report import add_row
from lab.result import Result
from lab.result import open as open_run
from lab.run import Verdict
from lab.statistic.interval import Interval, median_interval
from lab.statistic.words import amount


@dataclass(frozen=True)
class Row:
    """One combination."""

    point: Point
    """its first repetition"""
    verdicts: Counter[Verdict]
    """of its points that have ended"""
    attempts: int
    figures: dict[str, tuple[Interval, str]]
    """median and unit of each figure of its runs that passed"""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **{key: value for key, value in self.point.as_dict().items() if key != "repetition"},
            **{str(verdict): self.verdicts[verdict] for verdict in Verdict},
            "attempts": self.attempts,
            "figures": {
                name: {**interval._asdict(), "unit": unit}
                for name, (interval, unit) in self.figures.items()
            },
        }


def rows(campaign: Campaign) -> list[Row]:
    """Every combination, by scenario and then as the plan has them."""
    order = [Point("", *chosen).chosen for chosen in combinations(campaign.plan)]
    groups: dict[str, list[Point]] = {}
    for point in sorted(
        campaign.points, key=lambda each: (each.scenario, order.index(each.chosen))
    ):
        groups.setdefault(point.name, []).append(point)
    return [_row(campaign, points) for points in groups.values()]


def _row(campaign: Campaign, points: list[Point]) -> Row:
    attempts = [campaign.attempts[point.key] for point in points]
    ended = Counter(outcome(each) for each in attempts if each)
    values: dict[str, list[float]] = {}
    units: dict[str, str] = {}
    for run in _passed(campaign, points):
        for name, figure in run.figures.items():
            if isinstance(figure.get("value"), int | float):
                values.setdefault(name, []).append(figure["value"])
                units[name] = str(figure.get("unit") or "")
    figures = {name: (median_interval(each), units[name]) for name, each in values.items()}
    return Row(points[0], ended, sum(map(len, attempts)), figures)


def _passed(campaign: Campaign, points: list[Point]) -> Iterator[Result]:
    """The runs that passed; one that somebody has removed says nothing."""
    for point in points:
        for entry in campaign.attempts[point.key]:
            if entry.verdict is Verdict.PASSED and entry.run:
                try:
                    yield open_run(campaign.runs / entry.run)
                except UsageError:
                    continue


def table(found: list[Row], title: str, figures: Sequence[str]) -> Table:
    """The rows, for people, with these figures; JSON has all."""
    chosen = [*dict.fromkeys(name for row in found for name in row.point.values)]
    names = figures or [*dict.fromkeys(name for row in found for name in row.figures)][:1]
    drawn = Table("scenario", *chosen, "runs", *names, title=title or None)
    above = ""
    for row in found:
        if row.point.scenario != above:
            drawn.add_section()
        scenario = "" if row.point.scenario == above else row.point.scenario.rpartition("::")[2]
        values = (row.point.values.get(name, "") for name in chosen)
        shown = (_figure(*row.figures[name]) if name in row.figures else "" for name in names)
        add_row(drawn, scenario, *values, _counts(row), *shown)
        above = row.point.scenario
    return drawn


def _counts(row: Row) -> str:
    counts = counted(row.verdicts)
    again = row.attempts - sum(row.verdicts.values())
    return f"{counts}; {again} repeated" if again else counts


def _figure(interval: Interval, unit: str) -> str:
    if interval.low is None or interval.high is None:
        return amount(interval.median, unit)
    between = f"{amount(interval.low, unit)} to {amount(interval.high, unit)}"
    return f"{amount(interval.median, unit)} ({between})"
