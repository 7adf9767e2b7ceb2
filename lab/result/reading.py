"""The files of a run's directory as values; what others wrote, or half wrote, is expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import files
from lab.errors import UsageError
from lab.run import FORMAT, MANIFEST, RECORDS

KNOWN = (1, FORMAT)
"""Numbers of formats that are read. Format 1 has no figures, tables, files, nor machine's state."""


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read the manifest of a run.

    :raises UsageError: it is no run, or one of a format that is not known here.
    """
    path = directory / MANIFEST
    manifest = read_json(path, "run")
    number = manifest.get("format") if isinstance(manifest, dict) else None
    if number not in KNOWN:
        known = ", ".join(map(str, KNOWN))
        raise UsageError(f"{path}: format {number!r} is not known here (known: {known})")
    return dict(manifest)


def read_json(path: Path, kind: str) -> Any:
    """Read the file that makes a directory what ``kind`` says: a run, a campaign.

    :raises UsageError: there is none, or it is not JSON.
    """
    try:
        return json.loads(files.read(path))
    except OSError as error:
        raise UsageError(f"{path.parent} is no {kind}: {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}") from error


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def at(values: object, *path: str, missing: Any = None) -> Any:
    """What stands there in nested mappings."""
    found: Any = values
    for key in path:
        found = found.get(key, missing) if isinstance(found, Mapping) else missing
    return found


def read_records(directory: Path) -> list[dict[str, Any]]:
    """Read API calls and kernel events, in their order; of kind ``damaged`` is a line that is none.

    A run that died at once has none.

    :raises UsageError: they cannot be read.
    """
    path = directory / RECORDS
    try:
        lines = files.read(path).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{directory} is no run: {path}: {error.strerror}") from error
    return [_record(line) for line in lines]


def _record(line: str) -> dict[str, Any]:
    """What a line of the records holds; a run that died may have left half of one."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    return record if isinstance(record, dict) else {"kind": "damaged", "line": line}
