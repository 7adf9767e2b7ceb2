"""One kept run."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.errors import UsageError
from lab.figure import is_number
from lab.result import parquet
from lab.result.deriving import Derived, derive
from lab.result.frames import frame
from lab.result.reading import mapping, read_manifest, read_records
from lab.result.schema import TABLES
from lab.run import Verdict


@dataclass(frozen=True)
class Result:
    """What a run's directory says."""

    directory: Path
    manifest: dict[str, Any]
    """The manifest, as it stands in the file."""
    _tables: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def scenario(self) -> str:
        """The test's id, as pytest takes it, or the name of a command."""
        return str(self.manifest.get("scenario", "unknown"))

    @property
    def verdict(self) -> Verdict:
        """How it ended; a word that is not known is taken as ``incomplete``."""
        try:
            return Verdict(str(self.manifest.get("verdict")))
        except ValueError:
            return Verdict.INCOMPLETE

    @property
    def parameters(self) -> dict[str, Any]:
        """What the scenario asked for by name, and got."""
        return mapping(self.manifest.get("parameters"))

    @property
    def overrides(self) -> dict[str, Any]:
        """What was changed in the topology, by its place there."""
        return mapping(self.manifest.get("overrides"))

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Scalars of the run by name: ``value``, ``unit``, and which are ``better``."""
        return {
            name: figure
            for name, figure in mapping(self.manifest.get("figures")).items()
            if isinstance(figure, dict) and is_number(figure.get("value"))
        }

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """API calls and kernel events, in their order; of kind ``damaged`` is a line that is none.

        :raises UsageError: they cannot be read.
        """
        return read_records(self.directory)

    @property
    def captures(self) -> dict[str, Path]:
        """The capture of each host."""
        found = sorted((self.directory / "captures").glob("*.pcap"))
        return {path.stem: path for path in found}

    @property
    def metrics(self) -> Any:
        """What each subflow carried at each host, in steps of 100 ms, as a data frame."""
        return frame(self.table("metrics"))

    @property
    def events(self) -> Any:
        """What the kernels said, as a data frame."""
        return frame(self.table("events"))

    @property
    def calls(self) -> Any:
        """What the application called, as a data frame."""
        return frame(self.table("calls"))

    def table(self, name: str) -> Any:
        """A table as a pyarrow.Table: from its file, else derived from records and captures.

        :raises UsageError: there is no such table.
        :raises Unsupported: pyarrow is not installed.
        """
        if name not in TABLES:
            raise UsageError(f"a run has no table {name!r} (known: {', '.join(TABLES)})")
        if name not in self._tables:
            self._tables[name] = self._read(name)
        return self._tables[name]

    def _read(self, name: str) -> Any:
        try:
            table = parquet.read(parquet.path(self.directory, name))
        except ValueError as damage:
            warnings.warn(f"{damage}; it is derived again, in memory", stacklevel=3)
            table = None
        return self._derived.tables[name] if table is None else table

    @property
    def derived_figures(self) -> dict[str, dict[str, Any]]:
        """The figures that follow from the captures, as they are computed now.

        :raises Unsupported: pyarrow is not installed.
        """
        return {name: figure._asdict() for name, figure in self._derived.figures.items()}

    @cached_property
    def _derived(self) -> Derived:
        return derive(self.captures, self.records)


def open(path: Path | str) -> Result:
    """Read a run from its directory.

    :raises UsageError: it is no run, or one of a format that is not known here.
    """
    directory = Path(path)
    return Result(directory, read_manifest(directory))
