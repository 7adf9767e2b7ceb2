"""A plan together with its project: scenarios exist, and overrides fit their topologies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lab.campaign import scenarios as scenarios_of
from lab.campaign.plan import Plan, load_plan
from lab.campaign.points import combinations
from lab.campaign.scenarios import Scenario
from lab.errors import MistakenFile, UsageError
from lab.load import checked, content_of, find, load
from lab.load.overrides import OPTION
from lab.model.problem import KeyPath, Problem


class Checked(NamedTuple):
    """A plan without mistakes."""

    plan: Plan
    scenarios: list[Scenario]
    """those that it means, in its order"""


def check(file: Path, root: Path) -> Checked:
    """Read a plan, and see that it fits the project in ``root``.

    :raises MistakenFile: the plan has mistakes; all of them are listed.
    :raises UsageError: pytest cannot collect the scenarios.
    """
    plan = load_plan(file)
    known = scenarios_of.collect(root, plan.scenarios)
    chosen = scenarios_of.all_chosen(plan, known)
    for found in (scenarios_of.problems(root, plan, known), _misfits(root, plan, chosen)):
        _require_none(file, [*found])
    return Checked(plan, chosen)


def _require_none(file: Path, found: list[Problem]) -> None:
    checked(content_of(file), str(file), lambda _: found)


def _misfits(root: Path, plan: Plan, scenarios: Sequence[Scenario]) -> Iterator[Problem]:
    """Overrides that do not fit a topology."""
    for name in dict.fromkeys(each.topology for each in scenarios if each.topology):
        try:
            file = find(name, root)
        except UsageError as problem:
            yield Problem(("scenarios",), str(problem), at_key=True)
            continue
        for number, (_, overrides) in enumerate(combinations(plan)):
            try:
                load(root / file, [f"{key}={value}" for key, value in overrides.items()])
            except MistakenFile as found:
                yield from _placed(found, plan, number)


def _placed(found: MistakenFile, plan: Plan, number: int) -> Iterator[Problem]:
    """Mistakes in the overrides of a combination, where the plan has them."""
    for mistake in found.mistakes:
        if mistake.file != OPTION:
            place: KeyPath = ("points", number) if plan.points else ("overrides",)
            message = f"{mistake.file}:{mistake.line}: {mistake.message}"
            yield Problem(place, message, at_key=True)
            continue
        name, _, value = mistake.source.partition("=")
        if plan.points:
            yield Problem(("points", number, "overrides", name), mistake.message)
        else:
            index = plan.overrides[name].index(value)
            yield Problem(("overrides", name, index), mistake.message)
