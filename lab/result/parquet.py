"""A run's tables as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab import files
from lab.result.deriving import import_pyarrow


def path(directory: Path, name: str) -> Path:
    """Where a table of a run is."""
    return directory / f"{name}.parquet"


def octets(table: Any) -> bytes:
    """A pyarrow.Table as the content of a Parquet file."""
    pyarrow = import_pyarrow()
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    return bytes(sink.getvalue())


def read(file: Path) -> Any:
    """The pyarrow.Table in a Parquet file; None if there is none.

    :raises ValueError: it is damaged.
    :raises Unsupported: pyarrow is not installed.
    """
    pyarrow = import_pyarrow()
    try:
        return pyarrow.parquet.read_table(pyarrow.BufferReader(files.read(file)))
    except FileNotFoundError:
        return None
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"{file}: {error}") from error
