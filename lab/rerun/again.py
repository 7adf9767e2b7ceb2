"""Running it, and what came of it against what came of it then."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

from lab.comparison.compared import Comparison, compare
from lab.comparison.facts import Differing, differing
from lab.comparison.selection import Selection
from lab.errors import LabError
from lab.places import require_visible
from lab.rerun.plan import Plan
from lab.result import Result
from lab.result import open as open_run


@dataclass(frozen=True)
class Again:
    """A run and its repetition."""

    first: Result
    second: Result

    @property
    def same(self) -> bool:
        """Whether verdict and checks are the same."""
        return self.first.verdict is self.second.verdict and (
            checks(self.first) == checks(self.second)
        )

    @property
    def differing(self) -> list[Differing]:
        """What else differs, as both manifests say."""
        return differing([self.first.manifest], [self.second.manifest])

    @property
    def figures(self) -> Comparison:
        """The figures of both."""
        return compare(*(Selection(str(run.directory), (run,), {}) for run in
                         (self.first, self.second)))  # fmt: skip


def checks(result: Result) -> dict[str, int]:
    """What the verifier said of its captures: its verdict, and findings by section of the RFC."""
    report = result.manifest.get("verification")
    if not isinstance(report, dict):
        return {}
    found = Counter(
        f"{finding.get('severity')} of section {finding.get('section')}"
        for finding in _findings(report)
    )
    return {str(report.get("verdict")): 1, **dict(sorted(found.items()))}


def _findings(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for connection in report.get("connections", ()):
        yield from connection.get("findings", ())


def run(plan: Plan, results: Path) -> Again:
    """Run it, and keep its run in ``results``.

    :raises LabError: pytest made no run; the text says why not.
    """
    require_visible(results, plan.project)
    results.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".rerun-", dir=results) as place:
        report = Path(place).absolute() / "junit.xml"
        done = subprocess.run(
            plan.command(results.absolute(), report),
            cwd=plan.project, capture_output=True, text=True, check=False,
        )  # fmt: skip
        directory = _directory(report)
    if directory is None:
        raise LabError(f"no run was made: {_reason(done)}")
    return Again(plan.original, open_run(directory))


def _directory(report: Path) -> str | None:
    """The run's directory, as JUnit's file has it."""
    try:
        properties = ElementTree.parse(report).iter("property")  # noqa: S314 - pytest's own
    except (OSError, ElementTree.ParseError):
        return None
    return next((each.get("value") for each in properties if each.get("name") == "lab.run"), None)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """What pytest says of it: the first line that names an error."""
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "E  ", "error"))]
    return next(iter(errors), lines[-1] if lines else f"pytest ended with {done.returncode}")
