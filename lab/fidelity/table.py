"""What was measured, as a table for people, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from lab.fidelity.figures import Figure
from lab.fidelity.verdict import Verdict, text

_HEAD = ("link", "direction", "what", "declared", "measured", "tolerated", "")


def lines(verdict: Verdict) -> Iterator[str]:
    """A row for each figure."""
    yield from (_row(_HEAD), _row(("---",) * len(_HEAD)))
    for (link, way), found in verdict.figures.items():
        for figure in found.values():
            yield _row((link, way, *_cells(figure)))


def _cells(figure: Figure) -> tuple[str, ...]:
    declared = text(figure.name, figure.declared)
    measured = "" if figure.measured is None else text(figure.name, figure.measured)
    if not figure.judged:
        return figure.name, declared, measured, "", f"not judged: {figure.note}"
    tolerated = f"{text(figure.name, figure.least)} to {text(figure.name, figure.most)}"
    return (
        figure.name,
        declared,
        measured,
        tolerated,
        "" if figure.kept else f"MISSED {figure.note}",
    )


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |".replace("  ", " ")
