"""What came of a repetition, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab.comparison.compared import Group
from lab.comparison.facts import Differing
from lab.comparison.words import figures_as_dicts, unmatched
from lab.rerun.again import Again, checks
from lab.result import Result
from lab.statistic import amount


def surroundings(found: Iterable[Differing]) -> Iterator[str]:
    """What differs before it starts."""
    found = list(found)
    yield "What differs from the run:" if found else "Nothing differs from the run that is known."
    for each in found:
        yield f"  {each.name}: {each.first} -> {each.second}"


def outcome(again: Again, told: Iterable[Differing]) -> Iterator[str]:
    """What came of it; ``told`` is what differs and was said before."""
    told = list(told)
    later = [each for each in again.differing if each not in told]
    if later:
        yield "What differs too, as seen while it ran:"
        yield from (f"  {each.name}: {each.first} -> {each.second}" for each in later)
    yield f"the run: {_run(again.first)}"
    yield f"again:   {_run(again.second)}"
    yield f"checks: {_checks(checks(again.first))} -> {_checks(checks(again.second))}"
    for group in again.figures.groups:
        yield from _figures(group)
    yield _conclusion(again)


def _figures(group: Group) -> Iterator[str]:
    """What was measured then and now; two values say nothing of noise."""
    if group.figures:
        yield "figures, once each, which cannot tell a difference from noise:"
    for figure in group.figures:
        first, second, ratio = figure.found.first, figure.found.second, figure.found.ratio
        change = f" ({(ratio.median - 1) * 100:+.0f} %)" if ratio else ""
        values = (amount(each.median, figure.unit) for each in (first, second))
        yield f"  {figure.name}: {' -> '.join(values)}{change}"
    yield from unmatched(group)


def _run(result: Result) -> str:
    reason = str(result.manifest.get("reason") or "")
    return f"{result.verdict} ({result.directory})" + (f": {reason}" if reason else "")


def _checks(found: Mapping[str, int]) -> str:
    if not found:
        return "not verified"
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in found.items())


def _conclusion(again: Again) -> str:
    if again.same:
        return f"The same: {again.second.verdict} again."
    if again.first.verdict is again.second.verdict:
        return "Not the same: the verifier finds something else."
    return f"Not the same: {again.first.verdict}, and now {again.second.verdict}."


def as_dict(again: Again, told: Iterable[Differing]) -> dict[str, Any]:
    """The same for JSON."""
    every = dict.fromkeys([*told, *again.differing])
    return {
        "same": again.same,
        "differing": [{"what": each.name, "then": each.first, "now": each.second}
                      for each in every],
        **{
            name: {"run": str(run.directory), "verdict": str(run.verdict), "checks": checks(run)}
            for name, run in (("then", again.first), ("now", again.second))
        },
        "figures": [each for group in again.figures.groups for each in figures_as_dicts(group)],
    }  # fmt: skip
