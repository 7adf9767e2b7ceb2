"""How long a campaign will take, by what runs of the same scenarios took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lab.campaign.points import Point
from lab.campaign.standing import duration
from lab.result import Result, runs
from lab.run import Verdict

OVERHEAD = 2.0
"""seconds that the start of a pytest and of its sandbox take besides the run"""


def sentence(points: Sequence[Point], stores: Sequence[Path], slots: int, deadline: float) -> str:
    """How long these points will take, for people."""
    known = _known({point.scenario for point in points}, stores)
    unknown = [point for point in points if point.scenario not in known]
    if unknown:
        most = duration(len(points) * deadline / slots)
        return f"how long it takes is not known before it has begun; at most {most}, by deadlines"
    took = sum(statistics.fmean(known[point.scenario]) + OVERHEAD for point in points)
    return f"about {duration(took / slots)}, by runs that are kept"


def _known(scenarios: set[str], stores: Sequence[Path]) -> dict[str, list[float]]:
    """The seconds that runs of these scenarios took."""
    found: dict[str, list[float]] = {}
    for store in stores:
        for run in runs(store, damaged=lambda _: None) if store.is_dir() else ():
            seconds = _took(run)
            if run.scenario in scenarios and seconds is not None:
                found.setdefault(run.scenario, []).append(seconds)
    return found


def _took(run: Result) -> float | None:
    if run.verdict is Verdict.INCOMPLETE:
        return None
    try:
        ended, started = (datetime.fromisoformat(run.manifest[key]) for key in ("ended", "started"))
    except (KeyError, TypeError, ValueError):
        return None
    return (ended - started).total_seconds()
