"""The part of a run's page that has the verdict of each check, with its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.page.section import Section
from lab.result.reading import listed, mapping

LISTED = 200
"""Findings of a connection that a page has room for."""

LOOKS = {
    "passed": "good", "verified": "good", "complete": "good", "as declared": "good",
    "failed": "bad", "violated": "bad", "violation": "bad", "missed": "bad", "incomplete": "bad",
    "invalid": "warn", "doubtful": "warn", "doubt": "warn", "damaged": "bad",
}  # fmt: skip
"""Words of verdicts, and the class that colours them; any other is quiet."""


def part(manifest: Mapping[str, Any], verification: object, records: Sequence[Any]) -> Any:
    """What builds the section."""

    def build(name: str, title: str) -> Section:
        report = mapping(verification)
        checks = [
            _scenario(manifest), _protocol(report), _links(mapping(manifest.get("fidelity"))),
            _captures(mapping(manifest.get("captures"))), _records(records),
        ]  # fmt: skip
        connections = [_connection(mapping(each)) for each in listed(report.get("connections"))]
        return Section(name, title, "part_checks.html",
                       {"checks": checks, "connections": connections})  # fmt: skip

    return build


def check(what: str, word: str, evidence: str) -> Mapping[str, str]:
    """One check."""
    return {"what": what, "word": word, "look": LOOKS.get(word, "quiet"), "evidence": evidence}


def _scenario(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    reason = str(manifest.get("reason") or "")
    evidence = reason.splitlines()[0] if reason else "what the scenario asserts"
    return check("scenario", str(manifest.get("verdict", "unknown")), evidence)


def _protocol(report: Mapping[str, Any]) -> Mapping[str, str]:
    if not report:
        return check("protocol (RFC 8684)", "not checked", "no verification is in the manifest")
    connections = listed(report.get("connections"))
    findings = sum(len(listed(mapping(each).get("findings"))) for each in connections)
    return check(
        "protocol (RFC 8684)", str(report.get("verdict", "unknown")),
        f"{_count(len(connections), 'connection')} in {report.get('segments')} segments of "
        f"{_count(len(listed(report.get('files'))), 'capture')}; {_count(findings, 'finding')}",
    )  # fmt: skip


def _links(fidelity: Mapping[str, Any]) -> Mapping[str, str]:
    figures = [
        mapping(figure)
        for ways in mapping(fidelity.get("links")).values()
        for way in mapping(ways).values()
        for figure in mapping(way).values()
    ]
    if not fidelity.get("measured"):
        reason = str(fidelity.get("reason", "the manifest says nothing of them"))
        return check("links", "not measured", reason)
    missed = sum(not figure.get("kept") for figure in figures)
    word = "missed" if missed else "as declared"
    return check("links", word, f"{len(figures) - missed} of {len(figures)} figures as declared")


def _captures(counters: Mapping[str, Any]) -> Mapping[str, str]:
    if not counters:
        return check("captures", "none", "the manifest counts no captured packets")
    words = [f"{host}: {_counted(counter)}" for host, counter in counters.items()]
    lost = any(value for counter in counters.values() for key, value in mapping(counter).items()
               if "drop" in str(key) or "lost" in str(key))  # fmt: skip
    return check("captures", "incomplete" if lost else "complete", "; ".join(words))


def _counted(counter: object) -> str:
    if isinstance(counter, Mapping):
        return ", ".join(f"{value} {key}" for key, value in counter.items())
    return str(counter)


def _records(records: Sequence[Any]) -> Mapping[str, str]:
    damaged = sum(mapping(each).get("kind") == "damaged" for each in records)
    kinds: dict[str, int] = {}
    for each in records:
        kind = str(mapping(each).get("kind", "unknown"))
        kinds[kind] = kinds.get(kind, 0) + 1
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"
    return check("records", "damaged" if damaged else "complete", f"lines: {counted}")


def _connection(report: Mapping[str, Any]) -> Mapping[str, Any]:
    findings, unchecked = listed(report.get("findings")), listed(report.get("unchecked"))
    rows = [*_findings(findings), *_unchecked(unchecked)]
    left = len(rows) - LISTED
    verdict = str(report.get("verdict", "unknown"))
    checked = mapping(report.get("checked"))
    return {
        "name": report.get("name", "unknown"),
        "verdict": verdict,
        "look": LOOKS.get(verdict, "quiet"),
        "checked": ", ".join(f"{count} {what}" for what, count in checked.items()) or "nothing",
        "findings": rows[:LISTED],
        "left": f"and {left} more: mptcp-lab verify captures/*.pcap" if left > 0 else "",
    }


def _findings(findings: list[Any]) -> Iterator[Mapping[str, str]]:
    for each in map(mapping, findings):
        severity, section = str(each.get("severity")), str(each.get("section", ""))
        places = [mapping(place) for place in listed(each.get("packets"))]
        packets = ", ".join(f"{place.get('file')}:{place.get('number')}" for place in places)
        yield {
            "severity": severity, "look": LOOKS.get(severity, "quiet"), "section": section,
            "link": link(section), "sentence": str(each.get("sentence", "")), "packets": packets,
        }  # fmt: skip


def _unchecked(left: list[Any]) -> Iterator[Mapping[str, str]]:
    for each in map(mapping, left):
        sentence = f"{each.get('what')}: {each.get('reason')}"
        yield {"severity": "unchecked", "look": "warn", "section": "", "link": "",
               "sentence": sentence, "packets": ""}  # fmt: skip


_SECTION = re.compile(r"(?:RFC (\d+) )?section (\d+(?:\.\d+)*)")


def link(section: str) -> str:
    """Where the RFC's section is to be read; nothing if it does not name one."""
    found = _SECTION.fullmatch(section)
    return (
        f"https://www.rfc-editor.org/rfc/rfc{found[1] or 8684}#section-{found[2]}" if found else ""
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
