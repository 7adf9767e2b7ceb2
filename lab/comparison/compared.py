"""Two selections side by side: repetitions grouped, verdicts counted, figures judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from lab.comparison.facts import Differing, differing
from lab.comparison.selection import Selection, settings
from lab.result import Result
from lab.run import Verdict
from lab.statistic import Conclusion, Difference, difference


class Key(NamedTuple):
    """What repetitions have in common."""

    scenario: str
    settings: tuple[tuple[str, str], ...]
    """parameters and overrides by name, without those by which both selections were made"""

    def __str__(self) -> str:
        return ", ".join([self.scenario, *(f"{name}={value}" for name, value in self.settings)])


class Kind(NamedTuple):
    """What makes values comparable."""

    name: str
    unit: str
    better: str | None


@dataclass(frozen=True)
class Figure:
    """One figure of two groups of repetitions."""

    name: str
    unit: str
    better: str | None
    found: Difference

    @property
    def worse(self) -> bool:
        """Whether the second is worse, by more than repetition explains."""
        differs = self.found.conclusion is Conclusion.DIFFERS
        return differs and self.better is not None and self.found.higher == (self.better == "lower")

    def worse_by(self, percent: float) -> bool:
        """Whether it is worse by more than so many per cent of the first's median."""
        if not self.worse:
            return False
        ratio = self.found.ratio  # None where there are values of 0, of which nothing is a share
        return ratio is None or abs(ratio.median - 1) * 100 > percent


@dataclass(frozen=True)
class Group:
    """The repetitions of one scenario, in both selections."""

    key: str
    first: Mapping[Verdict, int]
    """how many of its runs ended how"""
    second: Mapping[Verdict, int]
    differing: tuple[Differing, ...]
    """what else differs, and may explain it"""
    figures: tuple[Figure, ...]
    unmatched: tuple[Kind, ...]
    """figures that only one of the two has, or in another unit"""

    @property
    def turned(self) -> bool:
        """Whether a share of runs passes that is not the same."""
        return _passed(self.first) != _passed(self.second)

    @property
    def turned_worse(self) -> bool:
        """Whether a smaller share passes."""
        return _passed(self.second) < _passed(self.first)


@dataclass(frozen=True)
class Comparison:
    """All of it."""

    first: Selection
    second: Selection
    groups: tuple[Group, ...]
    only_first: tuple[str, ...]
    """what was repeated in the first alone"""
    only_second: tuple[str, ...]

    @property
    def figures(self) -> list[Figure]:
        """Those of all groups."""
        return [figure for group in self.groups for figure in group.figures]

    def regressions(self, percent: float) -> list[str]:
        """What became worse, by more than ``percent`` where it is a figure; and what fails now."""
        turned = [f"{group.key}: fewer pass" for group in self.groups if group.turned_worse]
        return turned + [
            f"{group.key}: {figure.name}"
            for group in self.groups
            for figure in group.figures
            if figure.worse_by(percent)
        ]

    def unjudged(self) -> list[str]:
        """What cannot be told to be a regression or none."""
        few = [
            f"{group.key}: {figure.name}: {figure.found.reason}"
            for group in self.groups
            for figure in group.figures
            if figure.better and figure.found.conclusion is Conclusion.TOO_FEW
        ]
        missing = [
            f"{group.key}: {kind.name}: only one of the two has it"
            for group in self.groups
            for kind in group.unmatched
            if kind.better
        ]
        return [*few, *missing, *(f"{key}: only the first has it" for key in self.only_first)]


def compare(first: Selection, second: Selection) -> Comparison:
    """Compare the repetitions that both have; two single groups whatever they are."""
    pinned = first.pinned & second.pinned
    one, other = _grouped(first.used, pinned), _grouped(second.used, pinned)
    if len(one) == len(other) == 1 and one.keys() != other.keys():
        (here, there), name = (*one, *other), f"{next(iter(one))} against {next(iter(other))}"
        return Comparison(first, second, (_group(name, one[here], other[there]),), (), ())
    both = [key for key in one if key in other]
    return Comparison(
        first, second,
        tuple(_group(str(key), one[key], other[key]) for key in both),
        tuple(str(key) for key in one if key not in other),
        tuple(str(key) for key in other if key not in one),
    )  # fmt: skip


def _grouped(results: Iterable[Result], pinned: frozenset[str]) -> dict[Key, list[Result]]:
    groups: dict[Key, list[Result]] = {}
    for result in results:
        rest = {name: value for name, value in settings(result).items() if name not in pinned}
        groups.setdefault(Key(result.scenario, tuple(sorted(rest.items()))), []).append(result)
    return dict(sorted(groups.items()))


def _group(name: str, first: list[Result], second: list[Result]) -> Group:
    one, other = _values(first), _values(second)
    return Group(
        name,
        Counter(result.verdict for result in first),
        Counter(result.verdict for result in second),
        tuple(differing(*([each.manifest for each in part] for part in (first, second)))),
        tuple(
            Figure(*kind, difference(values, other[kind]))
            for kind, values in one.items()
            if kind in other
        ),
        tuple(kind for kind in (one | other) if (kind in one) != (kind in other)),
    )


def _values(results: Iterable[Result]) -> dict[Kind, list[float]]:
    """The values of each figure; one that is no finite number is none."""
    found: dict[Kind, list[float]] = {}
    for kind, value in (pair for result in results for pair in _figures(result)):
        found.setdefault(kind, []).append(value)
    return found


def _figures(result: Result) -> Iterator[tuple[Kind, float]]:
    for name, figure in result.figures.items():
        value, better = figure.get("value"), figure.get("better")
        if isinstance(value, int | float) and isfinite(value):
            known = better if better in ("higher", "lower") else None
            yield Kind(name, str(figure.get("unit", "")), known), float(value)


def _passed(verdicts: Mapping[Verdict, int]) -> float:
    """The share of runs that passed."""
    return verdicts.get(Verdict.PASSED, 0) / max(1, sum(verdicts.values()))
