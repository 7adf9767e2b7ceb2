"""Whether captures show the protocol kept: tokens, HMACs, mappings, checksums, and who broke it.

``verify(captures)`` is pure; ``verify_files(paths)`` reads the files first. Any number of captures
of the same or of both hosts can be given: what one lacks, another may have.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab.errors import ScenarioFailed
from lab.verify.connection import Connection, connections
from lab.verify.facts import facts
from lab.verify.finding import Checked, Finding, Severity, Unchecked, Verdict
from lab.verify.remarks import Remarks, remarks
from lab.verify.report import LISTED, ConnectionReport, Report, summed_up
from lab.verify.rules import RULES
from lab.verify.subflow import subflows
from lab.wire.reading import Capture, read

__all__ = [
    "Checked",
    "ConnectionReport",
    "Finding",
    "Remarks",
    "Report",
    "Severity",
    "Unchecked",
    "Verdict",
    "expect_kept",
    "remarks",
    "verify",
    "verify_files",
]


def verify(captures: Iterable[Capture]) -> Report:
    """Put together the connections of the captures, and ask every rule about each of them."""
    seen = tuple(captures)
    found = connections(subflows(seen))
    return Report(
        tuple(capture.name for capture in seen),
        sum(len(capture.segments) for capture in seen),
        tuple(_judge(connection) for connection in found),
    )


def verify_files(paths: Iterable[Path | str]) -> Report:
    """Read captures, and verify them together.

    Raises UsageError for what is no capture, InvalidRun for one that is empty.
    """
    return verify(read(path) for path in paths)


def expect_kept(report: Report, *, except_for: Iterable[str] = ()) -> None:
    """Raise ScenarioFailed if the protocol was violated, with the first violations; for tests.

    ``except_for`` has parts of the sentences about violations that were committed on purpose. Each
    of them must be there, else ScenarioFailed too.
    """
    planted = tuple(except_for)
    found = [each for each in report.findings if each.severity is Severity.VIOLATION]
    others = [each for each in found if not any(part in each.sentence for part in planted)]
    if others:
        lines = [str(each) for each in others[:LISTED]]
        if len(others) > LISTED:
            lines.append(f"and {len(others) - LISTED} more")
        raise ScenarioFailed("\n".join(lines))
    for part in planted:
        if not any(part in each.sentence for each in found):
            raise ScenarioFailed(f"expected a violation '{part}', which was not found; {report}")


def _judge(connection: Connection) -> ConnectionReport:
    known = facts(connection)
    judgements = tuple(judgement for rule in RULES for judgement in rule(known))
    names = tuple(str(subflow) for subflow in connection.subflows)
    return summed_up(str(connection), connection.version, names, judgements)
