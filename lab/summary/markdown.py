"""A page of Markdown on a whole pytest, as GitHub, GitLab and Forgejo show it.

What came from outside (names of tests, reasons, paths) is escaped: it cannot make a heading, a
link, HTML or another cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lab.summary.case import Case, Ending, by_reason, counted, of

SLOWEST = 10
"""So many of the slowest tests are listed."""

_LONGEST = 600
"""Characters of a reason; the run and pytest's own output have all of it."""

_FACTS = {"kernel": "lab.kernel", "commit": "lab.commit", "backend": "lab.backend"}
"""What runs depend on, and the property of each that says it."""


def page(tests: Sequence[Case], *, title: str, results: str) -> str:
    """All of it; ``results`` is where runs are kept."""
    return "\n".join([f"# {text(title)}: {counted(tests)}", "", *_sections(tests, results), ""])


def _sections(tests: Sequence[Case], results: str) -> Iterator[str]:
    yield from _table(("tests", ""), [(str(len(of(tests, end))), end) for end in Ending
                                      if of(tests, end)])  # fmt: skip
    for ending in (Ending.FAILED, Ending.INVALID):
        rows = [(code(t.name), text(t.reason), _run(t)) for t in of(tests, ending)]
        yield from _section(ending.capitalize(), ("test", "why", "run"), rows)
    for ending in (Ending.SKIPPED, Ending.XFAILED):
        reasons = by_reason(of(tests, ending)).items()
        rows = [(str(len(those)), text(why), code(those[0].name)) for why, those in reasons]
        yield from _section(ending.capitalize(), ("tests", "why", "the first"), rows)
    slowest = sorted(tests, key=lambda test: -test.seconds)[:SLOWEST]
    rows = [(f"{t.seconds:.1f} s", code(t.name), _run(t)) for t in slowest]
    yield from _section("Slowest", ("took", "test", "run"), rows)
    yield from _section("Ran on", ("", ""), _facts(tests))
    if any(test.run for test in tests):
        yield f"Runs are kept in {code(results)}: `mptcp-lab show RUN` prints one."


def _facts(tests: Iterable[Case]) -> list[tuple[str, ...]]:
    found = {name: sorted({t.properties[key] for t in tests if key in t.properties})
             for name, key in _FACTS.items()}  # fmt: skip
    return [(name, ", ".join(map(code, values))) for name, values in found.items() if values]


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield f"## {title}"
        yield ""
        yield from _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""


def _run(test: Case) -> str:
    return code(test.run.rstrip("/").rpartition("/")[2]) if test.run else ""


def text(words: str) -> str:
    """Plain words in a cell: lines are joined, and no character means anything."""
    words = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
    escaped = re.sub(r"([\\`*_\[\]<>|~&#])", r"\\\1", words)
    return "<br>".join(" ".join(_seen(line).split()) for line in escaped.splitlines() if line)


def _seen(line: str) -> str:
    """A line without what a terminal or a browser acts on: control and direction characters."""
    return "".join(letter if letter.isprintable() else " " for letter in line)


def code(words: str) -> str:
    """A name in a cell, as code: with more backticks around it than it has in a row."""
    plain = " ".join(_seen(words).split()).replace("|", r"\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    pad = " " if "`" in plain else ""
    return f"{fence}{pad}{plain}{pad}{fence}"
