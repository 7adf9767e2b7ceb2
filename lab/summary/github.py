"""Annotations of GitHub Actions: lines of the log that it shows beside the code.

The form is that of "Workflow commands for GitHub Actions"; what is escaped, that of actions/toolkit
(packages/core/src/command.ts). GitHub shows ten errors, ten warnings and ten notices of a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lab.summary.case import Case, Ending, by_reason, of

_TESTS = 5
"""A notice names so many tests, and counts the others."""


def lines(tests: Sequence[Case], prefix: str = "") -> Iterator[str]:
    """An error for each test that failed or is invalid, a notice for each reason to skip.

    ``prefix`` is the way from the root of the repository to pytest's root directory.
    """
    for ending in (Ending.FAILED, Ending.INVALID):
        for test in of(tests, ending):
            said = test.reason + (f"\nThe run is kept: {test.run}" if test.run else "")
            yield _command("error", test, prefix, f"{ending}: {test.name}", said)
    for reason, skipped in by_reason(of(tests, Ending.SKIPPED)).items():
        yield _command("notice", skipped[0], prefix, "skipped", f"{reason}\n{_names(skipped)}")


def _names(tests: Sequence[Case]) -> str:
    named = ", ".join(test.name for test in tests[:_TESTS])
    return named + (f", and {len(tests) - _TESTS} more" if len(tests) > _TESTS else "")


def _command(kind: str, test: Case, prefix: str, title: str, message: str) -> str:
    values = {"file": prefix + test.file, "line": str(test.line), "title": title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in values.items())
    return f"::{kind} {properties}::{_data(message)}"


def _data(text: str) -> str:
    return _replaced(text, (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")))


def _property(text: str) -> str:
    return _replaced(_data(text), ((":", "%3A"), (",", "%2C")))


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        text = text.replace(old, new)
    return text
