"""A kept run, shown as tables."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from math import inf, isfinite
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from lab.errors import LabError
from lab.result import Result
from lab.trace import Trace

SUMMARY = (
    "verdict", "reason", "started", "ended", "seed", "command", "topology", "git", "kernel",
    "packages", "captures",
)  # fmt: skip
"""What is shown of a manifest, in this order."""

_NOT_ALWAYS = ("reason", "captures")
"""What a run may do without; that anything else is missing is worth a line."""


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


def tables(result: Result) -> Iterator[Table | str]:
    """What people look at first."""
    yield _summary(result.manifest)
    if result.records:
        yield _records(result.records)
    for path in result.captures.values():
        try:
            yield Trace.from_pcap(path, at=path.stem).summary()
        except LabError as error:
            yield str(error)
        yield f"    tcpdump -nr {path}"


def _summary(manifest: dict[str, Any]) -> Table:
    table = Table(show_header=False, title=Text(str(manifest.get("scenario", "unknown"))))
    for key in SUMMARY:
        if key not in _NOT_ALWAYS or manifest.get(key):
            add_row(table, key, _entries(manifest.get(key)))
    return table


def _entries(value: Any) -> str:
    """A value of the manifest, its entries one a line."""
    if isinstance(value, dict):
        return "\n".join(f"{name} {_in_words(entry)}" for name, entry in value.items())
    return _in_words(value)


def _in_words(value: Any) -> str:
    """A value as people write it; a list is a command line, to be pasted."""
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(entry)}" for name, entry in value.items())
    return shlex.join(map(str, value)) if isinstance(value, list) else str(value)


class Row(NamedTuple):
    """One record, as it is shown."""

    when: float
    """Seconds since the epoch; infinite if that is not known, for what is half written is last."""
    where: str
    what: str
    about: str


def _records(records: list[dict[str, Any]]) -> Table:
    """Calls and events by the time since the first of them."""
    table = Table("s", "where", "what", "about", title="calls and events")
    rows = sorted(map(row_of, records), key=lambda row: row.when)
    for row in rows:
        seconds = f"{row.when - rows[0].when:.4f}" if isfinite(row.when) else ""
        add_row(table, seconds, *row[1:])
    return table


def row_of(record: dict[str, Any]) -> Row:
    """When a call began or an event was read, which is recorded a little later; and what it was."""
    try:
        if record["kind"] == "event":
            event = record["event"]
            return Row(float(event["received"]), record["host"], record["name"], _event(event))
        if record["kind"] == "call":
            return Row(float(record["began"]), "application", record["call"], _call(record))
        if record["kind"] == "peer":
            return Row(float(record["time"]), record["host"], record["what"], _step(record))
        when = float(record["time"])  # what a scenario recorded
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        when = inf  # damaged
    rest = {key: value for key, value in record.items() if key not in {"kind", "time"}}
    return Row(when, "", str(record.get("kind")), json.dumps(rest))


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


def _step(record: dict[str, Any]) -> str:
    """A segment that a scripted peer has sent or heard, from its source to its destination."""
    ends = record
    if record["what"] == "heard":
        ends = {"local": record["remote"], "remote": record["local"]}
    return " ".join([_ends(ends), record["segment"], *record["options"]])


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
