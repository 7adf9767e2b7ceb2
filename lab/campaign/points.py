"""The points of a plan, their order and their seeds. Pure."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.campaign.plan import Plan


@dataclass(frozen=True)
class Point:
    """One thing to be run: a scenario, what is chosen for it, and which repetition it is."""

    scenario: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    repetition: int = 1

    @property
    def values(self) -> dict[str, str]:
        """Everything that is chosen, by its name."""
        return {**self.parameters, **self.overrides}

    @property
    def chosen(self) -> str:
        """What is chosen, for people: ``backup=true links.lte.delay=50 ms``."""
        return " ".join(f"{name}={value}" for name, value in self.values.items())

    @property
    def name(self) -> str:
        """What its repetitions have in common."""
        return f"{self.scenario} {self.chosen}".rstrip()

    @property
    def key(self) -> str:
        """What tells it apart from all others of its campaign."""
        return f"{self.name} #{self.repetition}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "scenario": self.scenario,
            "parameters": dict(self.parameters),
            "overrides": dict(self.overrides),
            "repetition": self.repetition,
        }


def in_order(plan: Plan, scenarios: Sequence[str]) -> list[Point]:
    """All points, each repetition in a random order of its own.

    What changes on the machine in the course of a campaign so meets all alike, and one that is not
    finished has about as many runs of each. More repetitions leave the order of the first ones.
    """
    drawn = random.Random(plan.seed)  # noqa: S311 - repeatable on purpose
    points = []
    for repetition in range(1, plan.repetitions + 1):
        block = [
            Point(scenario, parameters, overrides, repetition)
            for scenario in scenarios
            for parameters, overrides in combinations(plan)
        ]
        drawn.shuffle(block)
        points += block
    return points


def combinations(plan: Plan) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Values of parameters and of overrides, of each combination."""
    if plan.points:
        return [(dict(each.parameters), dict(each.overrides)) for each in plan.points]
    parameters, overrides = _product(plan.parameters), _product(plan.overrides)
    return [*itertools.product(parameters, overrides)]


def _product(values: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]


def seed_of(plan: Plan, point: Point) -> int:
    """The seed of a point's run.

    It is the same for the same repetition of a scenario, whatever is chosen: what is compared then
    drew the same.
    """
    text = f"{plan.seed} {point.scenario} {point.repetition}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
