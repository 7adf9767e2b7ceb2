"""The part of a run's page that lists calls and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from lab.columns.series import SECOND
from lab.page.clock import Clock
from lab.page.moments import in_words
from lab.page.section import Section
from lab.report import Row, row_of

LISTED = 2000
"""Records that a page has room for."""


def rows(records: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Records whose time is known, in their order."""
    found = [_row(dict(each)) for each in records]
    return sorted(row for row in found if isfinite(row.when))


def _row(record: dict[str, Any]) -> Row:
    found = row_of(record)
    return found._replace(about=in_words(record.get("change"))) if found.what == "change" else found


def part(records: Sequence[Mapping[str, Any]], clock: Clock) -> Any:
    """What builds the section."""

    def build(name: str, title: str) -> Section:
        found = rows(records)
        shown = [
            (f"{clock.seconds(row.when * SECOND):.4f}", row.where, row.what, row.about)
            for row in found[:LISTED]
        ]
        damaged = len(records) - len(found)
        says = "What the scenario asked of the library, and what the kernels said of it."
        notes = [f"{damaged} lines of the records are damaged"] if damaged else []
        if len(found) > LISTED:
            notes.append(f"the first {LISTED} of {len(found)}; mptcp-lab show . prints all")
        return Section(
            name, title, "part_records.html", {"says": says, "rows": shown}, tuple(notes)
        )

    return build
