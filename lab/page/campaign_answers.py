"""What a campaign says to its question: each choice against the others, all else being the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lab.page.campaign_reading import Campaign, Combination
from lab.statistic import Difference, amount, difference, sentence
from lab.statistic.compared import Conclusion


class Comparison(NamedTuple):
    """One figure of two combinations that differ in one choice."""

    scenario: str
    figure: str
    choice: str
    """The parameter or override in which they differ."""
    values: tuple[str, str]
    rest: str
    """All other choices, which are the same."""
    found: Difference
    better: str | None
    words: str
    medians: tuple[str, str]

    @property
    def names(self) -> tuple[str, str]:
        """The two values, with the name of what was chosen."""
        return (f"{self.choice}={self.values[0]}", f"{self.choice}={self.values[1]}")


def comparisons(campaign: Campaign) -> list[Comparison]:
    """The first value of each choice against each other one, of every figure."""
    return [
        made
        for choice in choices(campaign.combinations)
        for one, other in _pairs(campaign.combinations, choice)
        for figure in one.figures if figure in other.figures
        for made in [_compared(one, other, choice, figure)]
    ]  # fmt: skip


def choices(combinations: Sequence[Combination]) -> list[str]:
    """Parameters and overrides that have more than one value, in the order of the plan."""
    names = dict.fromkeys(name for each in combinations for name in each.choices)
    return [name for name in names
            if len({each.choices.get(name) for each in combinations}) > 1]  # fmt: skip


def _pairs(
    combinations: Sequence[Combination], choice: str
) -> Iterator[tuple[Combination, Combination]]:
    first: dict[tuple[object, ...], Combination] = {}
    for each in combinations:
        if choice in each.choices:
            key = (each.scenario, *_rest(each, choice).items())
            if key in first:
                yield first[key], each
            else:
                first[key] = each


def _rest(combination: Combination, choice: str) -> dict[str, str]:
    return {name: value for name, value in combination.choices.items() if name != choice}


def _compared(one: Combination, other: Combination, choice: str, figure: str) -> Comparison:
    measured = one.figures[figure], other.figures[figure]
    unit, better = measured[0].unit, measured[0].better
    found = difference(measured[0].values, measured[1].values)
    values = (one.choices[choice], other.choices[choice])
    names = (f"{choice}={values[0]}", f"{choice}={values[1]}")
    return Comparison(
        one.scenario, figure, choice, values,
        ", ".join(f"{name}={value}" for name, value in _rest(one, choice).items()),
        found, better, sentence(found, unit, better, names),
        (amount(found.first.median, unit), amount(found.second.median, unit)),
    )  # fmt: skip


def asked(question: str, made: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons whose choice and figure are words of the question; else all of them."""
    text = question.lower()
    chosen = [each for each in made
              if each.figure.lower() in text and _named(each.choice, text)]  # fmt: skip
    return chosen or [*made]


def _named(choice: str, text: str) -> bool:
    """Whether a question has a word of a choice: ``backup``, or ``rate`` of ``links.lte.rate``."""
    return choice.lower() in text or choice.rpartition(".")[2].lower() in text


def answer(made: Sequence[Comparison]) -> str:
    """What comparisons of one figure by one choice say together, in a sentence."""
    counts = Counter(_way(each) for each in made)
    figure, total = made[0].figure, len(made)
    if len(counts) == 1 and total > 1:
        return f"{figure} {next(iter(counts))} in all {total} combinations."
    parts = [f"{way} in {count} of {total}" for way, count in counts.items()]
    return (
        f"{figure} {'; '.join(parts)} combinations." if total > 1 else f"{figure} {_way(made[0])}."
    )


def _way(each: Comparison) -> str:
    conclusion, (one, other) = each.found.conclusion, each.names
    if conclusion is Conclusion.TOO_FEW:
        return f"cannot be told from so few runs with {other}"
    if conclusion is not Conclusion.DIFFERS:
        return f"is the same with {other} as with {one}, as far as repetitions tell,"
    higher = each.found.higher
    way = f"is {'higher' if higher else 'lower'} with {other} than with {one}"
    if each.better is None:
        return way
    return f"{way} ({'better' if higher == (each.better == 'higher') else 'worse'})"


def grouped(made: Sequence[Comparison]) -> list[list[Comparison]]:
    """Comparisons of the same figure, choice and values."""
    groups: dict[tuple[object, ...], list[Comparison]] = {}
    for each in made:
        groups.setdefault((each.figure, each.choice, each.values), []).append(each)
    return [*groups.values()]
