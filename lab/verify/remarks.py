"""A report as remarks on the packets of one capture, for a copy that Wireshark shows."""

from __future__ import annotations

from typing import NamedTuple

from lab.verify.finding import Finding
from lab.verify.report import ConnectionReport, Report


class Remarks(NamedTuple):
    """What was found, by where it is to be read."""

    packets: dict[int, list[str]]
    """By packet number: each finding that names the packet."""
    capture: list[str]
    """The verdicts, what could not be checked, and what no packet of this capture shows."""


def remarks(report: Report, file: str) -> Remarks:
    """Sort what a report says by the packets of ``file``, one of those that were verified."""
    packets: dict[int, list[str]] = {}
    capture = [f"mptcp-lab verify: {', '.join(report.files)}: {report.verdict}"]
    if not report.connections:
        capture.append(f"unchecked: no MPTCP connection in {report.segments} TCP segments")
    for connection in report.connections:
        capture += _of_connection(connection, file)
        for finding in connection.findings:
            for place in finding.packets:
                if place.file == file:
                    others = [str(each) for each in finding.packets if each != place]
                    said = packets.setdefault(place.number, [])
                    said.append(f"{finding.said}{_also(others)}")
    return Remarks(packets, capture)


def _of_connection(connection: ConnectionReport, file: str) -> list[str]:
    elsewhere = [each for each in connection.findings if not _shown(each, file)]
    return [
        f"{connection.name}: {connection.verdict}",
        *map(str, connection.unchecked),
        *map(str, elsewhere),
    ]


def _shown(finding: Finding, file: str) -> bool:
    return any(place.file == file for place in finding.packets)


def _also(others: list[str]) -> str:
    return f" [see also {', '.join(others)}]" if others else ""
