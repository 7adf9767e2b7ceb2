"""How a test ended, for people and for its run: passed, failed, skipped, or invalid.

Invalid is a verdict of its own: the scenario may have passed, but its evidence is incomplete. It
counts as a failure for pytest's exit status and stands apart in its summary.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
from _pytest.terminal import TerminalReporter

from lab import capture, events, flow, host, peer, timeline, trace, units, verify, workload
from lab.errors import (
    CommandFailed,
    InvalidRun,
    LabError,
    ScenarioFailed,
    Unsupported,
    UsageError,
)
from lab.model import topology
from lab.plugin.properties import properties
from lab.report import how_to_look
from lab.result.ending import conclude
from lab.run import Run, Verdict
from mptcpapi import MptcpError

RUN = pytest.StashKey[Run]()
"""The run of an item, for as long as the item runs."""

_INVALID = "lab_invalid"
"""The attribute of an invalid run's report; pytest-xdist takes it along to the controller."""

_CODE = (ScenarioFailed, UsageError)
"""Errors for which the line of the test says as much as the text."""

_FAILURES = (ScenarioFailed, CommandFailed)
"""Errors that an xfail mark may expect."""

_VERDICT = pytest.StashKey[tuple[Verdict, str]]()

_WEIGHT = (
    Verdict.INCOMPLETE,
    Verdict.PASSED,
    Verdict.SKIPPED,
    Verdict.INVALID,
    Verdict.FAILED,
)
"""From least to most: the heaviest phase of a test decides."""

_OURS: tuple[ModuleType, ...] = (
    capture, events, flow, host, topology, trace, units, verify, workload,
    peer.connection, peer.peer, peer.raw, peer.subflow,
    timeline.change, timeline.plan, timeline.player,
)  # fmt: skip
"""Modules whose frames say nothing to the author of a scenario that failed."""


def pytest_configure() -> None:
    """Keep the lab's own frames out of the tracebacks of failed scenarios."""
    for module in _OURS:
        vars(module)["__tracebackhide__"] = lambda error: error.errisinstance(LabError)


_ENDINGS = pytest.StashKey[list[Callable[[], object]]]()


def at_the_end(item: pytest.Item, ending: Callable[[], object]) -> None:
    """Do this after the body of the test, as a part of it; what is named last is done first."""
    item.stash.setdefault(_ENDINGS, []).append(ending)


_CONDITIONS = pytest.StashKey[list[Callable[[], object]]]()


def on_condition(item: pytest.Item, require: Callable[[], object]) -> None:
    """Have ``require`` raise InvalidRun after the test if it proves nothing, however it ended."""
    item.stash.setdefault(_CONDITIONS, []).append(require)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """See whether a fixture failed for what makes the run invalid."""
    with _judged(item):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """End what the fixtures began, so that what then comes to light decides the test."""
    with _judged(item):
        yield
        endings = item.stash.setdefault(_ENDINGS, [])
        while endings:
            endings.pop()()
    for require in item.stash.get(_CONDITIONS, ()):
        require()


@contextmanager
def _judged(item: pytest.Item) -> Iterator[None]:
    """Let nothing fail for another reason than that the run is invalid, if it is."""
    try:
        yield
    except (Exception, pytest.fail.Exception) as failure:
        for require in item.stash.get(_CONDITIONS, ()):
            _chained(require, failure)
        raise


def _chained(require: Callable[[], object], failure: BaseException) -> None:
    """Let an invalid run stand for the failure that came with it."""
    try:
        require()
    except InvalidRun as invalid:
        raise invalid from failure


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the last word, also about what xfail excused
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the lab's errors into verdicts, and tell a failure where its run is kept."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, Unsupported):
        report.outcome = "skipped"
        path, line, _ = item.location
        report.longrepr = (path, (line or 0) + 1, f"Skipped: {error}")
        vars(report).pop("wasxfail", None)
    elif isinstance(error, LabError):
        _explain(report, error)
    elif isinstance(error, MptcpError) and report.when == "setup":
        report.longrepr = error.strerror  # what the machine lacks; no line of the test led there
    _settle(item, report, _verdict(report))
    return report


def _explain(report: pytest.TestReport, error: LabError) -> None:
    """Let the error speak for itself; if nothing was tested, no xfail mark excuses it."""
    if not isinstance(error, _FAILURES):
        report.outcome = "failed"
        vars(report).pop("wasxfail", None)
        vars(report)[_INVALID] = isinstance(error, InvalidRun)
    if not (report.when == "call" and isinstance(error, _CODE)):
        report.longrepr = str(error)


def is_invalid(report: pytest.TestReport) -> bool:
    """Whether the test proves nothing; also known of what pytest-xdist's workers report."""
    return bool(getattr(report, _INVALID, False))


def _verdict(report: pytest.TestReport) -> Verdict:
    if is_invalid(report):
        return Verdict.INVALID
    if report.passed and report.when != "call":
        return Verdict.INCOMPLETE  # it says nothing of the test
    return Verdict(report.outcome)


def _settle(item: pytest.Item, report: pytest.TestReport, verdict: Verdict) -> None:
    """Weigh in this phase of the test; with the last one, end its run."""
    before = item.stash.get(_VERDICT, (Verdict.INCOMPLETE, "the test was not run"))
    now = max(before, (verdict, reason(report)), key=lambda pair: _WEIGHT.index(pair[0]))
    item.stash[_VERDICT] = now
    run = item.stash.get(RUN, None)
    if run is None:
        return
    if report.failed:
        look = f"{run.directory}\nlook at it: {how_to_look(run.directory)}"
        report.sections.append(("the run is kept", look))
    try:
        _keep(item, report, run, now)
    except InvalidRun as problem:
        _explain(report, problem)
        now = (Verdict.INVALID, str(problem))
    if report.when == "teardown":
        kept = run.directory.exists()
        report.user_properties.extend(properties(run, now[0], kept=kept))


_UNREMARKABLE = (Verdict.PASSED, Verdict.SKIPPED)


def _keep(item: pytest.Item, report: pytest.TestReport, run: Run, now: tuple[Verdict, str]) -> None:
    """Write what a phase of the test leaves; with the last one, how the run ended.

    :raises InvalidRun: it cannot be written.
    """
    if report.failed:
        run.log(f"{report.when}.txt", report.longreprtext)
    if report.when != "teardown":
        return
    if now[0] in _UNREMARKABLE and item.config.option.keep == "failed":
        run.discard()
        return
    for title, text in report.sections:
        if title.startswith("Captured ") and text:
            run.log(f"{title.lower().replace(' ', '-')}.txt", text)
    conclude(run, *now)


def reason(report: pytest.TestReport) -> str:
    """Why a test ended as it did, in words; empty if it passed."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr or "").strip()


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count invalid runs apart from failed ones."""
    if is_invalid(report):
        return "invalid", "I", "INVALID"
    return None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say why runs were invalid: pytest itself explains failures only."""
    for report in terminalreporter.stats.get("invalid", []):
        terminalreporter.section(f"invalid: {report.nodeid}")
        terminalreporter.line(report.longreprtext)
        for title, content in report.sections:
            terminalreporter.line(f"{title}: {content}")
