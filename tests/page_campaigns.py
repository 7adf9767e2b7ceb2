"""Campaigns to make pages of: their runs are written by the lab's own Run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from page_runs import written

from lab.run import Verdict

GOODPUT = {"false": (9.0, 9.1, 9.2, 9.3, 9.4), "true": (5.0, 5.1, 5.2, 5.3, 5.4)}
"""Mbit/s by the value of the parameter ``backup``; no value of one reaches those of the other."""


def campaign(
    root: Path, *, name: str = "backup", question: str = "Does backup cost goodput?",
    goodput: dict[str, Sequence[float]] | None = None, reason: str = "links miss",
) -> Path:  # fmt: skip
    """A campaign of one scenario, with the first attempt at its first point invalid."""
    goodput = GOODPUT if goodput is None else goodput
    scenario = "tests/test_it.py::test_it"
    points = [
        {"scenario": scenario, "parameters": {"backup": value}, "overrides": {},
         "repetition": number}
        for value, values in goodput.items() for number in range(1, 1 + len(values))
    ]  # fmt: skip
    plan = {"parameters": {"backup": [*goodput]}, "repetitions": 5, "retries": 2}
    whole = {"format": 1, "name": name, "question": question, "seed": 7, "plan": plan,
             "order": points}  # fmt: skip
    (root / "runs").mkdir(parents=True)
    (root / "campaign.json").write_text(json.dumps(whole), encoding="utf-8")
    lines = [_line(root, points[0], Verdict.INVALID, 99.0, reason)] if points else []
    for point in points:
        value, number = point["parameters"]["backup"], point["repetition"]
        lines.append(_line(root, point, Verdict.PASSED, goodput[value][number - 1]))
    (root / "journal.jsonl").write_text("".join(lines), encoding="utf-8")
    return root


def _line(
    root: Path, point: dict[str, Any], verdict: Verdict, goodput: float, reason: str = ""
) -> str:
    run = written(root / "runs", point["scenario"], verdict=None, capture=None)
    run.figure("goodput", goodput * 1e6, "bit/s", better="higher")
    run.end(verdict, reason)
    entry = {**point, "point": "", "attempt": 1, "seed": 7, "verdict": verdict, "reason": reason,
             "run": run.directory.name, "seconds": 1.5, "worker": "here", "ended": ""}  # fmt: skip
    return json.dumps(entry) + "\n"
