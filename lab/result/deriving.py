"""The tables and figures that follow from what a run has recorded and captured.

They need the extra ``columns``. NumPy and pyarrow take half a second to import, so that is done
here, when the first run is derived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lab.errors import Unsupported
from lab.figure import Figure
from lab.result import recorded
from lab.result.schema import TABLES


class Derived(NamedTuple):
    """What was derived from a run."""

    tables: dict[str, Any]
    """pyarrow.Table by name."""
    figures: dict[str, Figure]
    problems: list[str]
    """What could not be read, as sentences."""


def derive(captures: Mapping[str, Path], records: Iterable[Mapping[str, Any]]) -> Derived:
    """Make all tables, and the figures.

    :raises Unsupported: NumPy or pyarrow is not installed.
    """
    pyarrow = import_pyarrow()
    records = list(records)
    metrics, figures, problems = _captured(captures)
    lost = sum(record.get("kind") == "damaged" for record in records)
    if lost:
        problems.append(f"records.jsonl: {lost} lines are damaged")
    columns = {
        "calls": _columns(recorded.calls(records)),
        "events": _columns(recorded.events(records)),
        "metrics": metrics,
    }
    tables = {name: _table(pyarrow, name, found) for name, found in columns.items()}
    return Derived(tables, figures, problems)


def import_pyarrow() -> Any:
    """Return the module pyarrow, with ``pyarrow.parquet``; NumPy can be imported then too.

    :raises Unsupported: one of them is not installed.
    """
    try:
        import numpy  # noqa: F401, PLC0415 - see the top
        import pyarrow  # noqa: PLC0415 - likewise
        import pyarrow.parquet  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as missing:
        raise Unsupported(
            f"{missing.name} is missing: install it with pip install 'mptcpapi[columns]'"
        ) from missing
    return pyarrow


def _captured(
    captures: Mapping[str, Path],
) -> tuple[Mapping[str, Any], dict[str, Figure], list[str]]:
    """The columns of metrics, and the figures; a capture that cannot be read is a problem."""
    from lab.columns.analysis import followed  # noqa: PLC0415 - see the top
    from lab.result.metrics import metrics  # noqa: PLC0415 - likewise
    from lab.result.scalars import figures  # noqa: PLC0415 - likewise

    problems: list[str] = []
    hosts = {path: host for host, path in captures.items()}
    analyses = {hosts[path]: found for path, found in followed(hosts, problems)}
    return (metrics(analyses) if analyses else {}), figures(analyses), problems


def _columns(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns


def _table(pyarrow: Any, name: str, columns: Mapping[str, Any]) -> Any:
    """A pyarrow.Table; its columns are there even if no row is, and what is NaN is null."""
    types = {
        int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_(),
        str: pyarrow.string(),
    }  # fmt: skip
    arrays = {
        column: pyarrow.array(columns.get(column, ()), types[kind], from_pandas=True)
        for column, kind in TABLES[name].items()
    }
    return pyarrow.table(arrays)
