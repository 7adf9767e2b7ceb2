"""One kept run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.result.reading import read_manifest, read_records
from lab.run import Verdict


@dataclass(frozen=True)
class Result:
    """What a run's directory says."""

    directory: Path
    manifest: dict[str, Any]
    """The manifest, as it stands in the file."""

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
        return _mapping(self.manifest.get("parameters"))

    @property
    def overrides(self) -> dict[str, Any]:
        """What was changed in the topology, by its place there."""
        return _mapping(self.manifest.get("overrides"))

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Scalars of the run by name: ``value``, ``unit``, and which are ``better``."""
        return {
            name: figure
            for name, figure in _mapping(self.manifest.get("figures")).items()
            if isinstance(figure, dict)
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


def open(path: Path | str) -> Result:
    """Read a run from its directory.

    :raises UsageError: it is no run, or one of a format that is not known here.
    """
    directory = Path(path)
    return Result(directory, read_manifest(directory))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
