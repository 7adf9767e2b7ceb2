"""Records as rows: the tables of events and of calls. What a damaged line lacks is None."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab.result.schema import EVENTS

Record = Mapping[str, Any]
Row = dict[str, Any]

INT64 = range(-(1 << 63), 1 << 63)


def events(records: Iterable[Record]) -> Iterator[Row]:
    """What the kernels said, a row each."""
    for record in _of_kind(records, "event"):
        event = record.get("event")
        said = event if isinstance(event, dict) else {}
        yield {
            **{name: _TYPED[kind](said.get(name)) for name, kind in EVENTS.items()},
            "time_ns": _nanoseconds(said.get("received")),
            "host": _text(record.get("host")),
            "name": _text(record.get("name")),
            "local": _endpoint(said.get("local")),
            "remote": _endpoint(said.get("remote")),
        }


def calls(records: Iterable[Record]) -> Iterator[Row]:
    """What the application asked of its sockets, and was told, a row each."""
    for record in _of_kind(records, "call"):
        yield {
            "began_ns": _nanoseconds(record.get("began")),
            "ended_ns": _nanoseconds(record.get("time")),
            "host": _text(record.get("host")),
            "call": _text(record.get("call")),
            "arguments": json.dumps(record.get("arguments", [])),
            "options": json.dumps(record.get("options", {})),
            "result": json.dumps(record["result"]) if "result" in record else None,
            "error": _text(record.get("error")),
        }


def _of_kind(records: Iterable[Record], kind: str) -> Iterator[Record]:
    return (record for record in records if record.get("kind") == kind)


def _nanoseconds(seconds: Any) -> int | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return _number(round(seconds * 1e9))
    except (OverflowError, ValueError):  # infinite, or none
        return None


def _number(value: Any) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and value in INT64
    return value if known else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    """A text as Arrow has it, which knows no lone surrogates."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


_TYPED: dict[Any, Any] = {int: _number, bool: _flag, str: _text}


def _endpoint(value: Any) -> str | None:
    """An address and a port as in a URL."""
    match value:
        case [str(host), int(port)]:
            return _text(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return None
