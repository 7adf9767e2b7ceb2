"""What a run recorded, as a table."""

from __future__ import annotations

import json
from math import inf, isfinite
from typing import Any, NamedTuple

from rich.table import Table

from lab.report.text import add_row


class Row(NamedTuple):
    """One record, as it is shown."""

    when: float
    """Seconds since the epoch; infinite if that is not known, for what is half written is last."""
    where: str
    what: str
    about: str


def calls_and_events(records: list[dict[str, Any]]) -> Table:
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
