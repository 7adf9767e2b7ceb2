"""A kept run, read back and shown as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from lab.errors import LabError, UsageError
from lab.result import FORMAT
from lab.trace import Trace


class Kept(NamedTuple):
    """What a run's directory says."""

    manifest: dict[str, Any]
    """The manifest, as it stands in the file."""
    records: list[dict[str, Any]]
    """API calls and kernel events, in their order."""


def read_run(directory: Path) -> Kept:
    """Read a run.

    :raises UsageError: it is no run, or one of a format that is not known here.
    """
    path = directory / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        lines = (directory / "records.jsonl").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
    except OSError as error:
        raise UsageError(f"{directory} is no run: {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{directory}: its manifest or records are not JSON: {error}") from error
    number = manifest.get("format") if isinstance(manifest, dict) else None
    if number != FORMAT:
        raise UsageError(f"{path}: format {number!r} is not known here (known: {FORMAT})")
    return Kept(manifest, records)


def tables(directory: Path, kept: Kept) -> Iterator[Table | str]:
    """What people look at first."""
    yield _summary(kept.manifest)
    yield _records(kept.records)
    for path in sorted((directory / "captures").glob("*.pcap")):
        try:
            yield Trace.from_pcap(path, at=path.stem).summary()
        except LabError as error:
            yield str(error)
        yield f"    tcpdump -nr {path}"


def _summary(manifest: dict[str, Any]) -> Table:
    table = Table(show_header=False, title=manifest["scenario"])
    verdict = manifest["verdict"]
    table.add_row("verdict", verdict)
    if reason := manifest.get("reason"):
        table.add_row("reason", reason)
    for key in ("started", "ended", "seed", "command"):
        table.add_row(key, str(manifest.get(key, "unknown")))
    for key in ("topology", "git", "kernel", "packages", "captures"):
        entries = manifest.get(key) or {"": "unknown"}
        table.add_row(key, "\n".join(f"{name} {value}".strip() for name, value in entries.items()))
    return table


def _records(records: list[dict[str, Any]]) -> Table:
    """Calls and events by the time since the first of them."""
    table = Table("s", "where", "what", "details", title="calls and events")
    zero = records[0]["time"] if records else 0.0
    for record in records:
        seconds = f"{record['time'] - zero:.4f}"
        if record["kind"] == "event":
            table.add_row(seconds, record["host"], record["name"], _short(record["event"]))
        else:
            outcome = record.get("error") or record.get("result")
            table.add_row(seconds, "application", record["call"], _short(outcome))
    return table


def _short(value: Any) -> str:
    """A value on one line: what is unknown is left out, an endpoint is written as usual."""
    if isinstance(value, dict):
        return " ".join(
            f"{key}={_short(entry)}"
            for key, entry in value.items()
            if entry is not None and key not in {"kind", "received"}
        )
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return f"[{value[0]}]:{value[1]}" if ":" in value[0] else f"{value[0]}:{value[1]}"
    if isinstance(value, list):
        return "; ".join(map(_short, value))
    return str(value)
