"""A comparison as lines of text, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab.comparison.compared import Comparison, Figure, Group
from lab.comparison.facts import Differing
from lab.comparison.selection import Selection
from lab.run import Verdict
from lab.statistic import CONFIDENCE, Conclusion, amount, sentence

_LISTED = 10
"""So many groups that only one selection has are named; the others are counted."""


def lines(compared: Comparison) -> Iterator[str]:
    """What people read: first what else differs, then each group, then what to think of it."""
    yield f"A: {_selection(compared.first)}"
    yield f"B: {_selection(compared.second)}"
    yield ""
    yield from _explanations(compared.groups)
    for group in compared.groups:
        yield from _group(group)
    for name, keys in (("A", compared.only_first), ("B", compared.only_second)):
        yield from _only(name, keys)
    yield _summing_up(compared)


def _selection(selection: Selection) -> str:
    used = f"{len(selection.used)} run{'s' * (len(selection.used) != 1)}"
    left = ", ".join(f"{count} {why}" for why, count in selection.left_out.items())
    return f"{selection.name}: {used}" + (f"; left out: {left}" if left else "")


def _explanations(groups: Iterable[Group]) -> Iterator[str]:
    """Facts that differ, each once, with the groups in which it does if not in all."""
    where: dict[Differing, list[str]] = {}
    groups = list(groups)
    for group in groups:
        for each in group.differing:
            where.setdefault(each, []).append(group.key)
    if not groups:
        return
    if not where:
        yield "Kernel, commit, settings and whatever else the manifests have are the same."
    else:
        yield "What else differs, and may explain it:"
    for fact, keys in where.items():
        part = "" if len(keys) == len(groups) else f"   (in {', '.join(keys)})"
        yield f"  {fact.name}: {fact.first} -> {fact.second}{part}"
    yield ""


def _group(group: Group) -> Iterator[str]:
    yield group.key
    turned = "   <- changed" if group.turned else ""
    yield f"  verdict: {_verdicts(group.first)} -> {_verdicts(group.second)}{turned}"
    for figure in group.figures:
        yield f"  {figure.name}: {_medians(figure)}"
        yield f"      {_judged(figure)}"
    yield from unmatched(group)
    if not group.figures and not group.unmatched:
        yield "  no figures: the runs have none (Run.figure keeps one)"
    yield ""


def unmatched(group: Group) -> Iterator[str]:
    """The figures that are not compared, in one line."""
    kinds = (f"{kind.name} ({kind.unit})" if kind.unit else kind.name for kind in group.unmatched)
    if group.unmatched:
        yield f"  only one of the two has {', '.join(kinds)}"


def _verdicts(verdicts: Mapping[Verdict, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))


def _medians(figure: Figure) -> str:
    sides = (("A", figure.found.first), ("B", figure.found.second))
    return ", ".join(
        f"{name} {amount(side.median, figure.unit)} ({_many(side.values)})" for name, side in sides
    )


def _many(values: int) -> str:
    return "one value" if values == 1 else f"median of {values}"


def _judged(figure: Figure) -> str:
    said = sentence(figure.found, figure.unit, figure.better)
    if figure.found.conclusion is Conclusion.DIFFERS:
        said += f"; {figure.found.size} effect ({figure.found.effect:+.2f})"
    return said


def _only(name: str, keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys[:_LISTED]:
        yield f"only in {name}: {key}"
    if len(keys) > _LISTED:
        yield f"only in {name}: {len(keys) - _LISTED} more"


def _summing_up(compared: Comparison) -> str:
    if not compared.groups:
        return "Nothing to compare: no scenario with the same parameters is in both."
    judged = [each for each in compared.figures if each.found.conclusion is not Conclusion.TOO_FEW]
    turned = sum(group.turned for group in compared.groups)
    verdicts = f"Verdicts changed in {turned} of {len(compared.groups)}. "
    if not judged:
        return f"{verdicts}No figure was repeated often enough to tell a difference from noise."
    differ = sum(each.found.conclusion is Conclusion.DIFFERS for each in judged)
    chance = (1 - CONFIDENCE) * len(judged)
    return (
        f"{verdicts}{differ} of {len(judged)} figures differ; if nothing did, repetition alone "
        f"would make about {chance:.1g} appear to."
    )


def as_dict(compared: Comparison) -> dict[str, Any]:
    """The same for JSON."""
    return {
        "a": _selection_as_dict(compared.first),
        "b": _selection_as_dict(compared.second),
        "groups": [_group_as_dict(group) for group in compared.groups],
        "only_a": list(compared.only_first),
        "only_b": list(compared.only_second),
        "summary": _summing_up(compared),
    }


def _selection_as_dict(selection: Selection) -> dict[str, Any]:
    runs = [str(result.directory) for result in selection.used]
    return {"name": selection.name, "runs": runs, "left_out": dict(selection.left_out)}


def _group_as_dict(group: Group) -> dict[str, Any]:
    return {
        "of": group.key,
        "verdicts": {"a": dict(group.first), "b": dict(group.second), "changed": group.turned},
        "differing": [
            {"what": each.name, "a": each.first, "b": each.second} for each in group.differing
        ],
        "figures": figures_as_dicts(group),
        "unmatched": [kind._asdict() for kind in group.unmatched],
    }


def figures_as_dicts(group: Group) -> list[dict[str, Any]]:
    """The figures of a group for JSON."""
    return [_figure_as_dict(figure) for figure in group.figures]


def _figure_as_dict(figure: Figure) -> dict[str, Any]:
    found = figure.found
    parts = {"a": found.first, "b": found.second, "ratio": found.ratio, "shift": found.shift}
    return {
        "name": figure.name,
        "unit": figure.unit,
        "better": figure.better,
        **{name: part and part._asdict() for name, part in parts.items()},
        "effect": found.effect,
        "chance": found.chance,
        "conclusion": str(found.conclusion),
        "words": sentence(found, figure.unit, figure.better),
    }
