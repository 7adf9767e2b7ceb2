"""The part of a run's page that shows handshakes, options and endings, packet by packet."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from lab.page.clock import Clock
from lab.page.evidence import Evidence, Subflow
from lab.page.moments import Step, first_seen, ladder
from lab.page.section import Section

LADDERS, STEPS = 12, 60
"""What a page has room for."""


def part(found: Evidence, clock: Clock, folder: str) -> Any:
    """What builds the section; ``folder`` is that of the captures, from the run's directory."""

    def build(name: str, title: str) -> Section:
        shown = [_ladder(found, clock, folder, each) for each in found.subflows[:LADDERS]]
        if not shown:
            return Section(name, title, notes=("no capture shows a TCP connection",))
        left = len(found.subflows) - LADDERS
        more = f"The first {LADDERS} of {len(found.subflows)} subflows." if left > 0 else ""
        return Section(name, title, "part_ladder.html", {"ladders": shown, "left": more})

    return build


def _ladder(found: Evidence, clock: Clock, folder: str, subflow: Subflow) -> Mapping[str, Any]:
    seen = first_seen(found, subflow)
    steps = ladder(seen, subflow)
    left = len(steps) - STEPS
    kind = "initial subflow of" if subflow.initial else "joins" if subflow.connection else ""
    which = f"{kind} connection {subflow.connection}" if kind else "no MPTCP option"
    return {
        "title": f"Subflow {subflow.number}, {which}, as {seen.host} saw it",
        "file": shlex.quote(f"{folder}{seen.path.name}"),
        "filter": f"tcp.stream eq {seen.stream(subflow.number)}",
        "initiator": subflow.ends.initiator,
        "responder": subflow.ends.responder,
        "steps": [_step(clock, step) for step in steps[:STEPS]],
        "left": f"and {left} more such packets" if left > 0 else "",
    }


def _step(clock: Clock, step: Step) -> Mapping[str, Any]:
    return {**step._asdict(), "seconds": clock.seconds(step.time)}
