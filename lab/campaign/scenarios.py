"""The scenarios that a plan means: what pytest collects, by the plan's ids and patterns."""

from __future__ import annotations

import fnmatch
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lab.campaign.plan import Plan
from lab.errors import UsageError
from lab.model.names import hint, shown
from lab.model.problem import Problem

_SPECIAL = "*?"


class Scenario(NamedTuple):
    """What pytest knows of a test."""

    id: str
    file: str
    timing: bool
    """whether it needs the machine alone"""
    topology: str | None
    """what its marker names"""
    run: bool
    """whether it leaves a run"""
    parameter: bool
    """whether it asks for parameters"""


def collect(root: Path, patterns: Sequence[str]) -> list[Scenario]:
    """Every scenario in the files that the patterns name.

    :raises UsageError: pytest cannot collect them, or takes another directory for its root.
    """
    files = [*dict.fromkeys(file for pattern in patterns for file in files_of(root, pattern))]
    if not files:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        told = Path(scratch, "told.json")
        command = [
            sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider",
            "-p", "lab.campaign.collecting", f"--collected-into={told}", *files,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 5) or not told.exists():
            said = "\n    ".join((done.stdout + done.stderr).strip().splitlines()[-30:])
            raise UsageError(f"pytest cannot collect the scenarios:\n    {said}")
        found = json.loads(told.read_text(encoding="utf-8"))
    if Path(found["root"]) != root:
        raise UsageError(
            f"start it in {found['root']}, which pytest takes for the root directory of the "
            f"scenarios: their ids begin there, not in {root}"
        )
    return [Scenario(**item) for item in found["items"]]


def files_of(root: Path, pattern: str) -> list[str]:
    """The files or directories that the part before ``::`` names."""
    name = pattern.partition("::")[0]
    if not any(special in name for special in _SPECIAL):
        return [name] if (root / name).exists() else []
    return sorted(str(path.relative_to(root)) for path in root.glob(name))


def chosen(pattern: str, scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Those that a pattern means: a test, all cases of it, or all in a class, file or directory."""
    beginnings = tuple(f"{pattern.rstrip('/')}{end}" for end in ("::", "[", "/"))
    return [
        each for each in scenarios
        if each.id == pattern or each.id.startswith(beginnings)
        or fnmatch.fnmatchcase(each.id, pattern.replace("[", "[[]"))
    ]  # fmt: skip


def all_chosen(plan: Plan, scenarios: Sequence[Scenario]) -> list[Scenario]:
    """What the whole plan means, each once, in its order."""
    return [
        *dict.fromkeys(each for pattern in plan.scenarios for each in chosen(pattern, scenarios))
    ]


def problems(root: Path, plan: Plan, scenarios: Sequence[Scenario]) -> Iterator[Problem]:
    """What is wrong with the scenarios of a plan."""
    asks = bool(plan.parameters) or any(point.parameters for point in plan.points)
    for number, pattern in enumerate(plan.scenarios):
        path = ("scenarios", number)
        found = chosen(pattern, scenarios)
        if not files_of(root, pattern):
            yield Problem(path, f"no file {shown(pattern.partition('::')[0])} in {root}")
        elif not found:
            known = [each.id.partition("::")[2] for each in scenarios]
            word = pattern.partition("::")[2]
            yield Problem(path, f"no scenario {shown(pattern)} ({hint(word, known)})")
        for each in found:
            if not each.run:
                message = "leaves no run: it uses no fixture that needs 'result' (as net does)"
                yield Problem(path, f"{each.id} {message}")
            elif asks and not each.parameter:
                message = "asks for no parameters: it does not use the fixture 'parameter'"
                yield Problem(path, f"{each.id} {message}")
