"""The parts of a campaign's page that list its attempts, and where they ran."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.page.campaign_reading import RUNS, Attempt, Campaign
from lab.page.run_checks import LOOKS
from lab.page.section import Section
from lab.result.reading import mapping

LISTED = 2000
"""Attempts that a page has room for."""


def trouble(campaign: Campaign, place: Path) -> Any:
    """What builds the section of attempts that did not pass; ``place`` is the page's file."""

    def build(name: str, title: str) -> Section:
        bad = [each for each in campaign.attempts if each.verdict != "passed"]
        if not bad:
            return Section(name, title, "part_sentence.html", {"says": "Every attempt passed."})
        return Section(name, title, "part_attempts.html", _attempts(campaign, place, bad))

    return build


def runs(campaign: Campaign, place: Path) -> Any:
    """What builds the section of all attempts; ``place`` is the page's file."""

    def build(name: str, title: str) -> Section:
        return Section(name, title, "part_attempts.html",
                       _attempts(campaign, place, campaign.attempts))  # fmt: skip

    return build


def _attempts(campaign: Campaign, place: Path, attempts: Sequence[Attempt]) -> Mapping[str, Any]:
    rows = [
        {
            "scenario": each.scenario.rpartition("::")[2], "repetition": each.repetition,
            "chosen": ", ".join(f"{name}={value}" for name, value in each.choices.items()),
            "verdict": each.verdict, "look": LOOKS.get(each.verdict, "quiet"),
            "seconds": f"{each.seconds:.1f}", "worker": each.worker, "reason": each.reason,
            "run": each.run, "links": _links(campaign, place, each.run),
        }
        for each in attempts[:LISTED]
    ]  # fmt: skip
    left = len(attempts) - LISTED
    more = f"The first {LISTED} of {len(attempts)}; journal.jsonl has all." if left > 0 else ""
    return {"rows": rows, "left": more}


def _links(campaign: Campaign, place: Path, run: str) -> list[tuple[str, str]]:
    """Where a run is, from the page; and its own page, if there is one."""
    if run not in campaign.runs:
        return []
    directory = campaign.directory / RUNS / run
    there = quote(os.path.relpath(directory.absolute(), place.absolute().parent))
    own = [("page", f"./{there}/report.html")] if (directory / "report.html").is_file() else []
    return [(run, f"./{there}/"), *own]


def environment(campaign: Campaign) -> Any:
    """What builds the section of kernels, machines and versions."""

    def build(name: str, title: str) -> Section:
        found: dict[str, Counter[str]] = {}
        for run in campaign.runs.values():
            for what, value in _where(run.manifest):
                found.setdefault(what, Counter())[value] += 1
        rows = [
            (what, value, count) for what, each in found.items()
            for value, count in each.most_common()
        ]  # fmt: skip
        if not rows:
            return Section(name, title, notes=("no run has arrived yet",))
        several = [what for what, each in found.items() if len(each) > 1]
        notes = (f"runs differ in: {', '.join(several)}",) if several else ()
        return Section(name, title, "part_table.html",
                       {"headings": ("", "value", "runs"), "rows": rows, "numbers": (2,)},
                       notes)  # fmt: skip

    return build


def _where(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    kernel, machine, git = (mapping(manifest.get(key)) for key in ("kernel", "machine", "git"))
    packages = mapping(manifest.get("packages"))
    facts = [
        ("kernel", kernel.get("release")),
        ("processor", machine.get("cpu")),
        ("processors", machine.get("processors")),
        ("emulation", manifest.get("backend")),
        ("network stack", manifest.get("stack")),
        ("Python", manifest.get("python")),
        ("commit", f"{git.get('commit')}{', changed' if git.get('changed') else ''}"),
        *((str(name), version) for name, version in packages.items()),
    ]
    return [(what, str(value)) for what, value in facts if value not in (None, "", "None")]
