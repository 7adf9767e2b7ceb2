"""The page of one run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab import files
from lab.columns.series import SECOND
from lab.errors import LabError
from lab.load import load
from lab.page import (
    run_checks,
    run_data,
    run_ladder,
    run_lanes,
    run_links,
    run_records,
)
from lab.page.clock import Clock
from lab.page.evidence import Evidence, evidence
from lab.page.html import render
from lab.page.moments import changes
from lab.page.section import Section, built
from lab.result import Result
from lab.result.reading import mapping
from lab.statistic import amount
from lab.verify import verify_files

MEANINGS = {
    "passed": "What the scenario demands happened, and its evidence is whole.",
    "failed": "What the scenario demands did not happen.",
    "invalid": "Its evidence is incomplete, so it proves nothing.",
    "skipped": "This machine or kernel cannot do what was asked.",
    "incomplete": "It has not ended, or it died before it could say how.",
    "damaged": "What it left cannot be read as a whole.",
}

NEAR = 600 * SECOND
"""Nanoseconds from packets within which records belong to them."""

SEGMENTS = 200_000
"""Up to so many are verified for a page whose run was not; the verifier takes 40 µs for each."""


def page(kept: Result, problem: str = "") -> str:
    """Return the page; ``problem`` says why the manifest of a damaged run is not there."""
    found = evidence([*kept.captures.values()])
    verdict = "damaged" if problem else str(kept.manifest.get("verdict", "unknown"))
    title = str(kept.manifest.get("scenario") or kept.directory.name)
    return render("page.html", {
        "kind": "A run of mptcp-lab",
        "title": title,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "verdict": {
            "word": verdict, "look": run_checks.LOOKS.get(verdict, ""),
            "means": MEANINGS.get(verdict, ""),
            "reason": problem or kept.manifest.get("reason") or "",
        },
        "facts": [*_facts(kept.manifest)],
        "problems": found.problems,
        "sections": _sections(kept, found),
    })  # fmt: skip


def _sections(kept: Result, found: Evidence) -> list[Section]:
    records = _records(kept)
    changed = changes(records)
    clock = _clock(found, records)
    times = [clock.seconds(each.began) for each in changed]
    links = _links(kept.directory / "topology.yaml")
    manifest = kept.manifest
    verification = manifest.get("verification") or _verification([*kept.captures.values()], found)
    return [
        built("happened", "What happened when",
              run_lanes.part(found, clock, records, changed, links)),
        built("data", "Where the data went", run_data.part(found, clock, times)),
        built("checks", "Checks", run_checks.part(manifest, verification, records)),
        built("links", "Links, declared and measured", run_links.part(manifest.get("fidelity"))),
        built("ladder", "Handshakes and options", run_ladder.part(found, clock, "captures/")),
        built("records", "Calls and events", run_records.part(records, clock)),
        built("manifest", "Manifest and files", _manifest(kept)),
        built("further", "Looking further", _further(kept)),
    ]  # fmt: skip


def _records(kept: Result) -> Sequence[Mapping[str, Any]]:
    try:
        return kept.records
    except LabError:
        return ({"kind": "damaged"},)


def _clock(found: Evidence, records: Sequence[Mapping[str, Any]]) -> Clock:
    """From the first to the last of packets and records; a record far from all packets is wrong."""
    ends = [
        int(end)
        for each in found.seen if len(each.packets)
        for end in (each.packets.time.min(), each.packets.time.max())
    ]  # fmt: skip
    told = [round(row.when * SECOND) for row in run_records.rows(records)]
    if ends:
        told = [time for time in told if min(ends) - NEAR <= time <= max(ends) + NEAR]
    times = ends + told
    return Clock(min(times, default=0), max(times, default=SECOND))


def _links(topology: Path) -> dict[str, str]:
    """Names of links by the addresses of hosts on them; none if the file cannot be read."""
    try:
        declared = load(topology)
    except (LabError, OSError, ValueError):
        return {}
    return {
        str(address.ip): name
        for name, link in declared.links.items()
        for end in link.ends
        if end.node in declared.hosts
        for address in end.addresses
    }


def _verification(captures: Sequence[Path], found: Evidence) -> Mapping[str, Any] | None:
    """Judge the captures of a run that nobody has judged, if that takes seconds only."""
    if not captures or found.problems or sum(len(each.packets) for each in found.seen) > SEGMENTS:
        return None
    try:
        return verify_files(captures).as_dict()
    except LabError:
        return None  # what cannot be read is a problem of the page already


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What one looks for first, as far as it is known."""
    topology, kernel, git = (mapping(manifest.get(key)) for key in ("topology", "kernel", "git"))
    commit = git.get("commit")
    dirt = ", changed" if git.get("changed") else ""
    facts = [
        ("topology", topology.get("name")),
        ("seed", manifest.get("seed")),
        ("started", str(manifest.get("started", "")).replace("T", " ")[:19]),
        ("ended", str(manifest.get("ended", "")).replace("T", " ")[:19]),
        ("kernel", kernel.get("release")),
        ("emulation", manifest.get("backend")),
        ("stack", manifest.get("stack")),
        ("commit", f"{str(commit)[:12]}{dirt}" if commit else None),
        *((f"parameter {name}", value) for name, value in _items(manifest, "parameters")),
        *((f"override {name}", value) for name, value in _items(manifest, "overrides")),
        *((name, _figure(mapping(value))) for name, value in _items(manifest, "figures")),
    ]
    return [(name, str(value)) for name, value in facts if value not in (None, "")]


def _items(manifest: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    return list(mapping(manifest.get(key)).items())


def _figure(figure: Mapping[str, Any]) -> str:
    value, unit = figure.get("value"), str(figure.get("unit") or "")
    try:
        return amount(float(value), unit)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):  # in a manifest that somebody altered
        return str(value)


def _manifest(kept: Result) -> Any:
    def build(name: str, title: str) -> Section:
        texts = [("manifest.json", json.dumps(kept.manifest, indent=2, ensure_ascii=False))]
        topology = kept.directory / "topology.yaml"
        if topology.is_file():
            texts.append(("topology.yaml", files.read(topology).decode(errors="replace")))
        return Section(name, title, "part_manifest.html", {"files": texts})

    return build


COMMANDS = """\
mptcp-lab show .                                   # calls, events, what captures hold
mptcp-lab verify captures/*.pcap                   # the protocol, judged
mptcp-lab series captures/*.pcap --every "100 ms"  # figures of each subflow
mptcp-lab annotate captures/{host}.pcap {host}.pcapng  # comments in Wireshark"""


def _further(kept: Result) -> Any:
    def build(name: str, title: str) -> Section:
        show = COMMANDS.partition("\n")[0]
        commands = COMMANDS.format(host=next(iter(kept.captures))) if kept.captures else show
        return Section(name, title, "part_further.html", {"commands": commands})

    return build
