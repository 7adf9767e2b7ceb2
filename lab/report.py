"""A kept run, read back and shown as tables."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from lab.errors import LabError, UsageError
from lab.result import FORMAT
from lab.trace import Trace


class Kept(NamedTuple):
    """What a run's directory says."""

    manifest: dict[str, Any]
    """The manifest, as it stands in the file."""
    records: list[dict[str, Any]]
    """API calls and kernel events, in their order."""


def find_run(run: Path | None, results: Path = Path("results")) -> Path:
    """The directory of a run: a path, a name in ``results``, or its newest if None.

    :raises UsageError: there is none yet.
    """
    if run is not None:
        return run if run.exists() or not (results / run).exists() else results / run
    runs = sorted(path.parent for path in results.glob("*/manifest.json"))
    if not runs:
        raise UsageError(f"no run in {results.absolute()} yet: mptcp-lab demo makes one")
    return runs[-1]


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


def how_to_look(directory: Path) -> str:
    """The command that shows a run, to be pasted into a shell in the present directory."""
    program = shutil.which("mptcp-lab") or Path(sys.executable).with_name("mptcp-lab")
    return shlex.join([_nearby(Path(program)), "show", _nearby(directory)])


def _nearby(path: Path) -> str:
    """The path as people write it: from here, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def add_row(table: Table, *cells: str) -> None:
    """Add a row of plain text, in which brackets mean nothing."""
    table.add_row(*map(Text, cells))


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
    add_row(table, "verdict", verdict)
    if reason := manifest.get("reason"):
        add_row(table, "reason", reason)
    for key in ("started", "ended", "seed", "command"):
        add_row(table, key, str(manifest.get(key, "unknown")))
    for key in ("topology", "git", "kernel", "packages", "captures"):
        entries = manifest.get(key) or {"": "unknown"}
        add_row(table, key, "\n".join(f"{name} {value}".strip() for name, value in entries.items()))
    return table


def _records(records: list[dict[str, Any]]) -> Table:
    """Calls and events by the time since the first of them."""
    table = Table("s", "where", "what", "about", title="calls and events")
    ordered = sorted(records, key=_when)
    for record in ordered:
        seconds = f"{_when(record) - _when(ordered[0]):.4f}"
        if record["kind"] == "event":
            add_row(table, seconds, record["host"], record["name"], _event(record["event"]))
        else:
            add_row(table, seconds, "application", record["call"], _call(record))
    return table


def _when(record: dict[str, Any]) -> float:
    """When a call began, or an event was read: it is recorded a little later."""
    began = record["event"]["received"] if record["kind"] == "event" else record["began"]
    return float(began)


def _event(event: dict[str, Any]) -> str:
    """Its subflow, and what else is known of it."""
    known = ("backup", "error", "reset_reason")
    return " ".join([_ends(event), *(f"{k}={event[k]}" for k in known if event[k] is not None)])


def _call(record: dict[str, Any]) -> str:
    """What was asked, and what came of it."""
    asked = [_value(argument) for argument in record["arguments"]]
    asked += [f"{name}={_value(option)}" for name, option in record["options"].items()]
    outcome = record.get("error") or _value(record.get("result"))
    return f"({', '.join(asked)}) = {outcome}"


def _value(value: Any) -> str:
    if isinstance(value, dict) and "id" in value:
        backup = " backup" if value.get("backup") else ""
        return f"subflow {value['id']} {_ends(value)}{backup}"
    if isinstance(value, list):
        return "[" + "; ".join(map(_value, value)) + "]"
    return str(value)


def _ends(value: dict[str, Any]) -> str:
    ends = [end for end in (value["local"], value["remote"]) if end]
    return " > ".join(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in ends
    )
