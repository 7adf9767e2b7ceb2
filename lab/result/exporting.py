"""Runs for elsewhere: tables of many runs in one file, or whole directories in an archive."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab import files
from lab.errors import UsageError
from lab.result.deriving import import_pyarrow
from lab.result.kept import Result
from lab.result.schema import TABLES

SUMS = "SHA256SUMS"
"""What ``sha256sum -c`` reads."""

KINDS = ("figures", *TABLES)
"""Tables that can be exported."""


def table(results: Sequence[Result], kind: str) -> Any:
    """One pyarrow.Table of all runs: what they are in the first columns.

    :raises Unsupported: pyarrow is not installed.
    """
    pyarrow = import_pyarrow()
    parts = [_labelled(pyarrow, result, kind) for result in results]
    return pyarrow.concat_tables(parts)


def _labelled(pyarrow: Any, result: Result, kind: str) -> Any:
    found = _figures(pyarrow, result) if kind == "figures" else result.table(kind)
    labels = {
        "run": result.directory.name,
        "scenario": result.scenario,
        "verdict": str(result.verdict),
        "parameters": json.dumps(result.parameters | result.overrides),
    }
    columns = {
        name: pyarrow.array([_text(value)] * found.num_rows, pyarrow.string())
        for name, value in labels.items()
    }
    return pyarrow.table({**columns, **dict(zip(found.column_names, found.columns, strict=True))})


def _figures(pyarrow: Any, result: Result) -> Any:
    known = result.figures
    texts = {
        key: pyarrow.array([_text(each.get(key)) for each in known.values()], pyarrow.string())
        for key in ("unit", "better")
    }
    values = [float(each["value"]) for each in known.values()]
    names = pyarrow.array([_text(name) for name in known], pyarrow.string())
    return pyarrow.table({"name": names, "value": pyarrow.array(values, "float64"), **texts})


def _text(value: Any) -> str | None:
    """A text as Arrow has it, which knows no lone surrogates."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


Put = Callable[[str, Path], None]
"""Takes a name in the archive, and the file."""


def zipped(results: Iterable[Result], path: Path) -> None:
    """Write whole runs to a zip archive, with checksums.

    :raises UsageError: it cannot be written.
    """

    def write(fresh: Path) -> None:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            sums = _put_all(results, lambda name, file: archive.write(file, name))
            archive.writestr(SUMS, sums)

    _in_one_step(path, write)


def tarred(results: Iterable[Result], path: Path) -> None:
    """Write whole runs to a compressed tar archive, with checksums.

    :raises UsageError: it cannot be written.
    """

    def write(fresh: Path) -> None:
        with tarfile.open(fresh, "w:gz") as archive:
            sums = _put_all(results, lambda name, file: archive.add(file, name, filter=_nobodys))
            entry = tarfile.TarInfo(SUMS)
            entry.size = len(sums)
            archive.addfile(entry, io.BytesIO(sums))

    _in_one_step(path, write)


def _nobodys(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who made the file."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _put_all(results: Iterable[Result], put: Put) -> bytes:
    """Put all files of the runs into an archive, and return the lines of their checksums.

    :raises UsageError: two runs have one name.
    """
    lines, names = [], set()
    for result in results:
        run = result.directory.resolve().name
        if run in names:
            raise UsageError(f"two runs have the name {run}: an archive has room for one")
        names.add(run)
        for name, held in files.inventory(result.directory).items():  # no links: they lead anywhere
            put(f"{run}/{name}", result.directory / name)
            lines.append(f"{held['sha256']}  {run}/{name}\n")
    return "".join(lines).encode()


def _in_one_step(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a file beside ``path``, which then takes its place."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        write(fresh)
        fresh.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
