"""The part of a run's page that shows links: what their file declares, and what they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from lab.page.section import Section
from lab.result.reading import mapping

UNITS = {"rate": (1e-6, "Mbit/s"), "queue": (1.0, "B"), "delay": (1e3, "ms"), "jitter": (1e3, "ms")}
"""By the figure's name; anything else is a share of the packets."""


def part(fidelity: object) -> Any:
    """What builds the section from the manifest."""

    def build(name: str, title: str) -> Section:
        known = mapping(fidelity)
        if not known:
            return Section(name, title, notes=("the links were not measured before this run",))
        if not known.get("measured"):
            reason = f"the links were not measured: {known.get('reason', 'no reason is given')}"
            return Section(name, title, notes=(reason,))
        rows = [*_rows(mapping(known.get("links")))]
        missed = sum(not row["kept"] for row in rows)
        says = f"{missed} of {len(rows)} figures are not as declared." if missed else (
            f"All {len(rows)} figures are as declared, within what is tolerated."
            if rows else "No link declares anything."
        )  # fmt: skip
        says += f" The machine meanwhile: {known.get('load')}."
        return Section(name, title, "part_links.html", {"rows": rows, "says": says})

    return build


def _rows(links: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for link, ways in links.items():
        for way, figures in mapping(ways).items():
            for name, figure in mapping(figures).items():
                yield {"link": link, "way": way, "name": name, **_row(name, mapping(figure))}


def _row(name: str, figure: Mapping[str, Any]) -> dict[str, Any]:
    least, most, measured = (figure.get(key) for key in ("least", "most", "measured"))
    judged = "least" in figure
    kept = bool(figure.get("kept"))
    note = str(figure.get("note") or "")
    return {
        "declared": text(name, figure.get("declared")),
        "measured": text(name, measured),
        "tolerated": f"{text(name, least)} to {text(name, most)}" if judged else "not judged",
        "place": _place(measured, least, most),
        "kept": kept,
        "says": note if kept else f"missed {note}",
    }


def text(name: str, value: object) -> str:
    """A value of a figure, with its unit."""
    if not isinstance(value, int | float):
        return "unknown" if value is None else str(value)
    factor, unit = UNITS.get(name, (100.0, "%"))
    return f"{value * factor:.6g} {unit}" if name == "queue" else f"{value * factor:.4g} {unit}"


def _place(measured: Any, least: Any, most: Any) -> float | None:
    """Per cent of the drawing, in which 20 is the least and 80 the most that is tolerated."""
    if not all(
        isinstance(each, int | float) and isfinite(each) for each in (measured, least, most)
    ):
        return None
    share = (measured - least) / (most - least) if most > least else 0.5
    return round(min(max(20 + 60 * share, 0), 100), 1)
