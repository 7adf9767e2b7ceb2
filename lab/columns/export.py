"""Tables as Parquet and CSV, for pandas, polars, DuckDB and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lab.columns.groups import codes
from lab.columns.mptcp import Field, Options
from lab.columns.octets import Array, Bools
from lab.columns.packets import Packets
from lab.columns.table import Table
from lab.columns.words import address
from lab.errors import UsageError

INTERNAL = ("present", "packet")
"""Columns that mean nothing outside: nulls say the one, the packet's number the other."""

NUMBERS = ("connection", "subflow", "before", "after")
"""Columns that count connections and subflows from 0; outside, the first one has the number 1."""


class Writer(Protocol):
    """pyarrow's ParquetWriter or CSVWriter."""

    def write_table(self, table: Any) -> None:
        """Add rows."""

    def close(self) -> None:
        """Write what is left."""


def arrow(table: Table, **more: Any) -> Any:
    """Return a pyarrow.Table; ``more`` are columns that come first, a value or one for each row.

    Addresses are text, octets hexadecimal; a field that an option lacks is null. Connections and
    subflows are numbered from 1, as a packet is.
    """
    import pyarrow as pa  # noqa: PLC0415 - it is large, and only exports need it

    count = len(table)
    columns = {
        name: pa.array(value) if isinstance(value, list) else pa.repeat(value, count)
        for name, value in more.items()
    }
    for name, column in table.columns():
        if name in INTERNAL:
            continue
        absent = ~table.has(Field[name]) if _may_lack(table, name) else None  # type: ignore[attr-defined]
        outside = column + 1 if name in NUMBERS else column
        columns[name] = _array(pa, table, name, outside, absent)
    return pa.table(columns)


def write(path: Path, kind: str, tables: Iterable[Any]) -> int:
    """Write pyarrow.Tables, one after another, and return the number of rows.

    :raises UsageError: the file cannot be written.
    """
    rows, writer = 0, None
    try:
        with path.open("wb") as file:
            for table in tables:
                writer = writer or _writer(kind, file, table.schema)
                writer.write_table(table)
                rows += table.num_rows
            if writer:
                writer.close()
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
    return rows


def _writer(kind: str, file: Any, schema: Any) -> Writer:
    import pyarrow.csv  # noqa: PLC0415 - as above
    import pyarrow.parquet  # noqa: PLC0415

    make = {"csv": pyarrow.csv.CSVWriter, "parquet": pyarrow.parquet.ParquetWriter}[kind]
    writer: Writer = make(file, schema)
    return writer


def _may_lack(table: Table, name: str) -> bool:
    return isinstance(table, Options) and name in Field.__members__


def _array(pa: Any, table: Table, name: str, column: Array, absent: Bools | None) -> Any:
    if column.ndim == 1:
        return pa.array(np.ascontiguousarray(column), mask=absent)
    if name in ("source", "destination", "address"):
        return _addresses(pa, column, _families(table), absent)
    lengths = np.asarray(table.length) - 3 if name == "removed" else None  # type: ignore[attr-defined]
    return _octets(pa, column, lengths, absent)


def _families(table: Table) -> Array:
    if isinstance(table, Packets):
        return table.family
    short = np.isin(table.length, (8, 10, 16, 18))  # type: ignore[attr-defined]
    return np.where(short, 4, 6)


def _addresses(pa: Any, column: Array, families: Array, absent: Bools | None) -> Any:
    """Write each address once, as there are far fewer than packets."""
    text = np.full(len(column), None, object)
    rows = np.flatnonzero(~absent) if absent is not None else np.arange(len(column))
    numbers = codes([column[rows, 0], column[rows, 1], families[rows]])
    _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    known = [address(column[rows[at]], int(families[rows[at]])) for at in first]
    text[rows] = np.array([*known, ""], object)[which]
    return pa.array(text, pa.string())


def _octets(pa: Any, column: Array, lengths: Array | None, absent: Bools | None) -> Any:
    text = np.full(len(column), None, object)
    rows = np.flatnonzero(~absent) if absent is not None else np.arange(len(column))
    for at in rows.tolist():
        octets = column[at] if lengths is None else column[at][: lengths[at]]
        text[at] = octets.tobytes().hex()
    return pa.array(text, pa.string())
