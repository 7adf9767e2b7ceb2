"""The columns of a run's tables, in order, with types; docs/results.md explains them."""

from __future__ import annotations

Columns = dict[str, type[int] | type[float] | type[str] | type[bool]]

METRICS: Columns = {
    "host": str,
    "connection": int,
    "subflow": int,
    "initiator": str,
    "responder": str,
    "direction": str,
    "seen": str,
    "time_ns": int,
    "segments": int,
    "bytes": int,
    "first": int,
    "reinjected": int,
    "retransmitted": int,
    "out_of_order": int,
    "unmapped": int,
    "rtt_s": float,
    "goodput": float,
}

EVENTS: Columns = {
    "time_ns": int,
    "host": str,
    "name": str,
    "token": int,
    "local": str,
    "remote": str,
    "local_id": int,
    "remote_id": int,
    "backup": bool,
    "error": int,
    "reset_reason": int,
    "interface": int,
    "server_side": bool,
    "inferred": bool,
}

CALLS: Columns = {
    "began_ns": int,
    "ended_ns": int,
    "host": str,
    "call": str,
    "arguments": str,
    "options": str,
    "result": str,
    "error": str,
}

TABLES: dict[str, Columns] = {"calls": CALLS, "events": EVENTS, "metrics": METRICS}
