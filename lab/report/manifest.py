"""A manifest, as tables; of one that somebody altered, what can be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from lab.report.text import add_row, entries
from lab.result import Result
from lab.result.reading import listed, mapping

SUMMARY = (
    "verdict", "reason", "started", "ended", "seed", "command", "parameters", "overrides",
    "campaign", "topology", "backend", "stack", "git", "kernel", "machine", "packages", "captures",
    "tables",
)  # fmt: skip
"""What is shown of a manifest, in this order."""

_NOT_ALWAYS = (
    "reason", "parameters", "overrides", "campaign", "backend", "stack", "machine", "captures",
    "tables",
)  # fmt: skip
"""What a run may do without; that anything else is missing is worth a line."""

_LONG = ("config", "build", "before", "after")
"""Entries that are left to --json."""


def summary(result: Result) -> Table:
    """What was run, where, and how it ended."""
    table = Table(show_header=False, title=Text(result.scenario))
    for key in SUMMARY:
        value = result.manifest.get(key)
        if key not in _NOT_ALWAYS or value:
            add_row(table, key, entries(_short(value)))
    return table


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: entry for name, entry in value.items() if name not in _LONG}
    return value


def figures(result: Result) -> Iterator[Table]:
    """The scalars that were measured."""
    if result.figures:
        table = Table("figure", "value", "unit", "better", title="figures")
        for name, figure in sorted(result.figures.items()):
            value, unit = figure.get("value"), figure.get("unit")
            add_row(table, name, _number(value), str(unit or ""), str(figure.get("better") or ""))
        yield table


def links(result: Result) -> Iterator[Table]:
    """What links declare, and what was measured of them."""
    table = Table("link", "direction", "what", "declared", "measured", "", title="links")
    fidelity = mapping(result.manifest.get("fidelity"))
    for link, ways in mapping(fidelity.get("links")).items():
        for way, found in mapping(ways).items():
            for name, figure in mapping(found).items():
                add_row(table, link, way, name, *_judged(mapping(figure)))
    if table.row_count:
        yield table


def _judged(figure: dict[str, Any]) -> tuple[str, str, str]:
    kept = "" if figure.get("kept") else "MISSED"
    judgement = kept if figure.get("judged") else f"not judged: {figure.get('note')}"
    return _number(figure.get("declared")), _number(figure.get("measured")), judgement


def checks(result: Result) -> Iterator[str]:
    """What was verified in the captures."""
    verification = mapping(result.manifest.get("verification"))
    if verification:
        yield f"captures: {verification.get('verdict')}"
    for connection in listed(verification.get("connections")):
        for finding in listed(mapping(connection).get("findings")):
            said = mapping(finding)
            yield f"    {said.get('severity')}, {said.get('section')}: {said.get('sentence')}"


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.6g}"
    return "" if value is None else str(value)
