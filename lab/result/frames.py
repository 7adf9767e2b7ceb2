"""Tables as data frames: of pandas where it is installed, else of polars."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lab.errors import Unsupported


def frame(table: Any) -> Any:
    """The pyarrow.Table as a pandas.DataFrame, or a polars.DataFrame.

    :raises Unsupported: neither is installed.
    """
    try:
        import_module("pandas")
    except ModuleNotFoundError:
        return _polars(table)
    return table.to_pandas()


def _polars(table: Any) -> Any:
    try:
        polars = import_module("polars")
    except ModuleNotFoundError:
        raise Unsupported(
            "data frames need pandas or polars: pip install 'mptcpapi[results]' brings pandas; "
            "without either, table(…) is a pyarrow.Table"
        ) from None
    return polars.from_arrow(table)
