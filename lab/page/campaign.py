"""The page of a campaign."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.page import campaign_runs
from lab.page.campaign_answers import (
    Comparison,
    answer,
    asked,
    choices,
    comparisons,
    grouped,
)
from lab.page.campaign_chart import chart
from lab.page.campaign_reading import PLAN, Campaign, Combination, read
from lab.page.html import render
from lab.page.legend import Drawn, legend
from lab.page.section import Section, built
from lab.result.reading import mapping
from lab.statistic import CONFIDENCE, FEWEST, amount, median_interval


def page(directory: Path, place: Path) -> str:
    """Return the page of a campaign, whose links hold where it will be: the file ``place``.

    :raises UsageError: there is no campaign, or its plan cannot be read.
    """
    campaign = read(directory)
    counts = campaign.outcomes()
    plan = campaign.plan
    return render("page.html", {
        "kind": "A campaign of mptcp-lab",
        "title": str(plan.get("name") or directory.name),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "verdict": _verdict(campaign, counts),
        "facts": _facts(campaign),
        "problems": campaign.problems,
        "sections": _sections(campaign, place),
    })  # fmt: skip


def _verdict(campaign: Campaign, counts: Mapping[str, int]) -> Mapping[str, str]:
    ended = sum(counts.values())
    words = ", ".join(f"{count} {word}" for word, count in counts.items()) or "nothing yet"
    done = ended >= campaign.total
    bad = any(word not in ("passed", "skipped") for word in counts)
    look = "bad" if counts.get("failed") else "warn" if bad or not done else "good"
    again = len(campaign.attempts) - ended
    means = f"{ended} of {campaign.total} points have run"
    if again:
        means += f", {again} attempt{'s' * (again != 1)} more than points"
    return {"word": words, "look": look, "means": f"{means}.", "reason": ""}


def _facts(campaign: Campaign) -> list[tuple[str, str]]:
    plan = mapping(campaign.plan.get("plan"))
    project = mapping(campaign.plan.get("project"))
    seconds = sum(attempt.seconds for attempt in campaign.attempts)
    facts = [
        ("combinations", len(campaign.combinations)),
        ("repetitions", plan.get("repetitions")),
        ("retries of invalid runs", plan.get("retries")),
        ("seed", campaign.plan.get("seed")),
        ("begun", str(campaign.plan.get("begun", "")).replace("T", " ")[:19]),
        ("time of all attempts", amount(round(seconds), "s") if seconds < 600
         else f"{seconds / 60:.0f} min"),
        ("commit", str(project.get("commit") or "")[:12]),
        *((name, ", ".join(values)) for name, values in _varied(campaign).items()),
    ]  # fmt: skip
    return [(name, str(value)) for name, value in facts if value not in (None, "")]


def _varied(campaign: Campaign) -> dict[str, list[str]]:
    return {
        name: [*dict.fromkeys(each.choices.get(name, "") for each in campaign.combinations)]
        for name in choices(campaign.combinations)
    }


def _sections(campaign: Campaign, place: Path) -> list[Section]:
    return [
        built("answer", "The answer", _answer(campaign)),
        built("figures", "Figures", _figures(campaign)),
        built("combinations", "Combinations", _combinations(campaign)),
        built("trouble", "What did not pass, and why", campaign_runs.trouble(campaign, place)),
        built("runs", "Runs", campaign_runs.runs(campaign, place)),
        built("environment", "Where it ran", campaign_runs.environment(campaign)),
        built("plan", "Plan", _plan(campaign)),
    ]


def _answer(campaign: Campaign) -> Any:
    def build(name: str, title: str) -> Section:
        question = str(campaign.plan.get("question") or "")
        made = comparisons(campaign)
        first = asked(question, made) if question else made
        rest = [each for each in made if each not in first]
        missing = "no choice has two values with figures of runs that passed, to be compared"
        return Section(name, title, "part_answer.html", {
            "question": question, "groups": [*map(_group, grouped(first))],
            "others": [*map(_group, grouped(rest))], "confidence": f"{CONFIDENCE * 100:g} %",
            "fewest": FEWEST,
        }, () if made else (missing,))  # fmt: skip

    return build


def _group(made: Sequence[Comparison]) -> Mapping[str, Any]:
    values = made[0].values
    return {
        "answer": answer(made),
        "headings": ("scenario", "all else", "what is known", *values, "runs"),
        "rows": [
            (each.scenario.rpartition("::")[2], each.rest, each.words, *each.medians,
             f"{each.found.first.values} and {each.found.second.values}")
            for each in made
        ],
    }  # fmt: skip


def _figures(campaign: Campaign) -> Any:
    def build(name: str, title: str) -> Section:
        names = dict.fromkeys(found for each in campaign.combinations for found in each.figures)
        if not names:
            return Section(name, title, notes=("no run that passed has a figure",))
        drawn = [_drawn(campaign, at, figure) for at, figure in enumerate(names)]
        return Section(name, title, "part_lanes.html", {"figures": drawn, "subflows": ()})

    return build


def _drawn(campaign: Campaign, at: int, figure: str) -> Drawn:
    first = next(iter(choices(campaign.combinations)), "")
    values = [*dict.fromkeys(each.choices.get(first, "") for each in campaign.combinations)]
    number = {each.chosen: 1 + values.index(each.choices.get(first, ""))
              for each in campaign.combinations}  # fmt: skip
    svg, from_zero = chart(f"chart-{at}", figure, campaign.combinations, number)
    better = next((each.figures[figure].better for each in campaign.combinations
                   if figure in each.figures), None)  # fmt: skip
    goal = f" {better.capitalize()} is better." if better else ""
    zero = "" if from_zero else " The axis does not begin at 0."
    key = legend(f"chart-key-{at}", ((1 + i, f"{first}={each}") for i, each in enumerate(values)))
    return Drawn(
        f"figure-chart-{at}", figure, svg,
        "Each mark is a run that passed. Above them, the upright stroke is the median and the line "
        f"its {CONFIDENCE * 100:g} % interval, where there are {FEWEST} runs or more.{goal}{zero}",
        key if first else (), small=True,
    )  # fmt: skip


def _combinations(campaign: Campaign) -> Any:
    def build(name: str, title: str) -> Section:
        names = [*dict.fromkeys(each for one in campaign.combinations for each in one.figures)]
        rows = [
            (one.scenario.rpartition("::")[2], one.chosen, *_counted(one),
             *(_median(one, figure) for figure in names))
            for one in campaign.combinations
        ]  # fmt: skip
        headings = ("scenario", "choices", "runs", "attempts", *names)
        return Section(name, title, "part_table.html",
                       {"headings": headings, "rows": rows, "numbers": (3,)})  # fmt: skip

    return build


def _counted(one: Combination) -> tuple[str, int]:
    last = {attempt.point: attempt.verdict for attempt in one.attempts}
    words = ", ".join(f"{count} {word}" for word, count in Counter(last.values()).items())
    return words or "none yet", len(one.attempts)


def _median(one: Combination, figure: str) -> str:
    if figure not in one.figures:
        return ""
    measured = one.figures[figure]
    found = median_interval(measured.values)
    median = amount(found.median, measured.unit)
    if found.low is None or found.high is None:
        return f"{median} (too few for an interval)"
    return f"{median} ({amount(found.low, measured.unit)} to {amount(found.high, measured.unit)})"


def _plan(campaign: Campaign) -> Any:
    def build(name: str, title: str) -> Section:
        shown = {key: value for key, value in campaign.plan.items() if key != "order"}
        texts = [
            (f"{PLAN}, without the order", json.dumps(shown, indent=2, ensure_ascii=False)),
        ]
        return Section(name, title, "part_manifest.html", {"files": texts})

    return build
