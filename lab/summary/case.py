"""One test and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Ending(StrEnum):
    """How a test ended, in the order of what is to be looked at first."""

    FAILED = "failed"
    INVALID = "invalid"
    SKIPPED = "skipped"
    XFAILED = "failed as expected"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Case:
    """One test, with what its reports say."""

    name: str
    """pytest's node id"""
    ending: Ending
    reason: str
    """why it did not pass; empty if it did"""
    file: str
    """the place to look at, below pytest's root directory"""
    line: int
    """1 for the first line"""
    seconds: float
    """of all its phases together"""
    properties: Mapping[str, str] = field(default_factory=dict)
    """what its run's manifest says, under the names of its JUnit properties; empty without a run"""

    @property
    def run(self) -> str | None:
        """The directory of its run; None if none was made, or it was not kept."""
        return self.properties.get("lab.run")


def of(tests: Iterable[Case], ending: Ending) -> list[Case]:
    """Those that ended so."""
    return [test for test in tests if test.ending is ending]


def by_reason(tests: Iterable[Case]) -> dict[str, list[Case]]:
    """The tests of each reason, the most frequent reason first."""
    found: dict[str, list[Case]] = {}
    for test in tests:
        found.setdefault(test.reason, []).append(test)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[1])))


def counted(tests: Iterable[Case]) -> str:
    """How many ended how: ``2 failed, 1 invalid, 40 passed``."""
    tests = list(tests)
    numbers = ((len(of(tests, ending)), ending) for ending in Ending)
    return ", ".join(f"{number} {ending}" for number, ending in numbers if number) or "no tests"
