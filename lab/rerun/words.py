"""What came of a repetition, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab.comparison.facts import Differing
from lab.comparison.words import figures as figure_lines
from lab.comparison.words import figures_as_dicts
from lab.rerun.again import Again, checks
from lab.result import Result


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
        yield from figure_lines(group)
    yield _conclusion(again)


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
