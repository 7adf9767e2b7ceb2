"""The verdict on captures, and its reasons, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.verify.finding import Checked, Finding, Judgement, Severity, Unchecked, Verdict, verdict

LISTED = 20
"""A text lists so many findings of a connection, and counts the others."""

HEAVIEST = (Verdict.VIOLATED, Verdict.DOUBTFUL, Verdict.UNCHECKED, Verdict.VERIFIED)


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What was found about one connection."""

    name: str
    version: int
    subflows: tuple[str, ...]
    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    checked: dict[str, int]
    """How much of what was looked at."""

    @property
    def verdict(self) -> Verdict:
        """The heaviest of what was found."""
        checked = tuple(Checked(*each) for each in self.checked.items())
        return verdict((*self.findings, *self.unchecked, *checked))

    def lines(self) -> Iterator[str]:
        """What there is to say."""
        yield f"{self.name}: {self.verdict} ({_subflows(len(self.subflows))})"
        yield "    checked: " + ", ".join(f"{n} {what}" for what, n in self.checked.items())
        for number, each in enumerate((*self.findings, *self.unchecked)):
            if number == LISTED:
                yield f"    and {len(self.findings) + len(self.unchecked) - LISTED} more"
                break
            yield f"    {each}"


def _subflows(count: int) -> str:
    return f"{count} subflow{'s' * (count != 1)}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in captures."""

    files: tuple[str, ...]
    segments: int
    connections: tuple[ConnectionReport, ...]

    @property
    def verdict(self) -> Verdict:
        """The heaviest of all connections; without any, nothing is verified."""
        verdicts = {each.verdict for each in self.connections}
        return next((each for each in HEAVIEST if each in verdicts), Verdict.UNCHECKED)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all connections."""
        return tuple(finding for each in self.connections for finding in each.findings)

    def __str__(self) -> str:
        lines = [f"{', '.join(self.files)}: {self.verdict}"]
        if not self.connections:
            lines.append(f"    unchecked: no MPTCP connection in {self.segments} TCP segments")
        lines += [line for each in self.connections for line in each.lines()]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "files": list(self.files),
            "segments": self.segments,
            "verdict": str(self.verdict),
            "connections": [_connection(each) for each in self.connections],
        }


def _connection(report: ConnectionReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "version": report.version,
        "verdict": str(report.verdict),
        "subflows": list(report.subflows),
        "checked": report.checked,
        "findings": [_finding(each) for each in report.findings],
        "unchecked": [{"what": each.what, "reason": each.reason} for each in report.unchecked],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": str(finding.severity),
        "section": finding.section,
        "sentence": finding.sentence,
        "packets": [{"file": place.file, "number": place.number} for place in finding.packets],
    }


WEIGHT = (Severity.VIOLATION, Severity.DOUBT, Severity.NOTE)


def summed_up(
    name: str, version: int, subflows: tuple[str, ...], judgements: tuple[Judgement, ...]
) -> ConnectionReport:
    """Sort and count what the rules have found."""
    findings = dict.fromkeys(each for each in judgements if isinstance(each, Finding))
    unchecked = dict.fromkeys(each for each in judgements if isinstance(each, Unchecked))
    checked: Counter[str] = Counter()
    for each in judgements:
        if isinstance(each, Checked) and each.count:
            checked[each.what] += each.count
    heaviest_first = sorted(findings, key=lambda finding: WEIGHT.index(finding.severity))
    return ConnectionReport(
        name, version, subflows, tuple(heaviest_first), tuple(unchecked), dict(checked)
    )
