"""How a run ends: its tables and figures are derived, then the last manifest says how it ended."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from lab import files
from lab.errors import Unsupported
from lab.result import parquet
from lab.result.deriving import derive
from lab.result.kept import Result
from lab.result.kept import open as open_run
from lab.run import Run, Verdict

LARGE = 1 << 30
"""Bytes of captures from which on tables are derived when they are asked for, not at the end of a
run: some five million packets, which take seconds and gigabytes of memory."""


def conclude(run: Run, verdict: Verdict, reason: str = "") -> None:
    """Keep what follows from records and captures, and say how the run ended.

    A verdict is never lost for tables: what keeps them from being made is in the manifest.

    :raises InvalidRun: the run cannot be written.
    """
    try:
        described = _derive(run.directory)
    except Exception as problem:  # whatever it is, the verdict counts
        described = {"tables": {"missing": str(problem) or type(problem).__name__}}
    run.end(verdict, reason, **described)


def _derive(directory: Path) -> dict[str, Any]:
    """Write the tables, and return what the manifest says of them."""
    kept = open_run(directory)
    _require_small(kept)
    derived = derive(kept.captures, kept.records)
    _write(directory, derived.tables)
    rows = {name: table.num_rows for name, table in derived.tables.items()}
    problems = {"problems": derived.problems} if derived.problems else {}
    # What the scenario measured itself counts, if it has the same name.
    scalars = {name: each._asdict() for name, each in derived.figures.items()}
    return {"tables": rows | problems, "figures": scalars | kept.figures}


def _require_small(kept: Result) -> None:
    size = sum(path.stat().st_size for path in kept.captures.values())
    if size > LARGE:
        raise Unsupported(
            f"the captures have {size} bytes, more than {LARGE}: lab.result.open(…).table(…) "
            "derives tables from them when they are asked for"
        )


def _write(directory: Path, tables: dict[str, Any]) -> None:
    """Write all tables, or none."""
    try:
        for name, table in tables.items():
            files.replace(parquet.path(directory, name), parquet.octets(table))
    except OSError:
        for name in tables:
            with suppress(OSError):
                parquet.path(directory, name).unlink(missing_ok=True)
        raise
