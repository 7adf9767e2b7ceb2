"""What came of all tests, told to continuous integration: annotations, and a summary.

With pytest-xdist, all reports come together in the controller, which alone tells.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from lab.plugin.verdicts import is_invalid, reason
from lab.summary import github
from lab.summary.case import Case, Ending
from lab.summary.markdown import page


def pytest_configure(config: pytest.Config) -> None:
    """Listen where all reports come together.

    :raises pytest.UsageError: the summary cannot be written; better now than at the end.
    """
    if hasattr(config, "workerinput") or not (config.option.summary or config.option.github):
        return
    for file in _files(config):
        try:
            file.open("a", encoding="utf-8").close()
        except OSError as problem:
            raise pytest.UsageError(f"no summary in {file}: {problem.strerror}") from problem
    config.pluginmanager.register(Teller(config))


def _files(config: pytest.Config) -> list[Path]:
    """Where the summary belongs: the file asked for, and that of the step on GitHub."""
    step = os.environ.get("GITHUB_STEP_SUMMARY") if config.option.github else None
    return [Path(file) for file in (config.option.summary, step) if file]


class Teller:
    """Gathers the reports of a pytest, and tells of them when it ends."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tests: dict[str, Case] = {}
        self._seconds: dict[str, float] = {}
        self._problem = ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a file that cannot be collected as a test that failed."""
        if report.failed:
            self._tests[report.nodeid] = _failed(report.nodeid, str(report.longrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Weigh in one phase of a test: what is to be looked at first decides."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0) + report.duration
        before = self._tests.get(report.nodeid)
        now = _tested(report, self._seconds[report.nodeid])
        heaviest = min(filter(None, (before, now)), key=lambda test: _WEIGHT.index(test.ending))
        self._tests[report.nodeid] = Case(
            now.name, heaviest.ending, heaviest.reason, heaviest.file, heaviest.line,
            now.seconds, now.properties,
        )  # fmt: skip

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the summary; what is asked for and not written is no success."""
        told = page(
            [*self._tests.values()],
            title=self._config.rootpath.name,
            results=str(self._config.option.results or self._config.rootpath / "results"),
        )
        try:
            self._write(told)
        except OSError as problem:
            self._problem = f"error: no summary in {problem.filename}: {problem.strerror}"
            session.exitstatus = session.exitstatus or pytest.ExitCode.USAGE_ERROR

    def _write(self, text: str) -> None:
        """Write the file that was asked for anew, and add to that of GitHub's step."""
        for file in _files(self._config):
            with file.open("w" if file == self._config.option.summary else "a", -1, "utf-8") as out:
                out.write(text)

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print annotations, each on a line of its own."""
        terminalreporter.ensure_newline()
        if self._problem:
            terminalreporter.write_line(self._problem)
        if self._config.option.github:
            tests = [*self._tests.values()]
            for line in github.lines(tests, _below_repository(self._config.rootpath)):
                terminalreporter.write_line(line)


_WEIGHT = tuple(Ending)


def _failed(name: str, why: str) -> Case:
    return Case(name, Ending.FAILED, why, name.partition("::")[0], 1, 0.0)


def _tested(report: pytest.TestReport, seconds: float) -> Case:
    ending = _ending(report)
    file, line = _place(report)
    why = getattr(report, "wasxfail", "") or reason(report).removeprefix("Skipped: ")
    told = {name: str(value) for name, value in report.user_properties if name.startswith("lab.")}
    return Case(report.nodeid, ending, why, file, line, seconds, told)


def _ending(report: pytest.TestReport) -> Ending:
    if is_invalid(report):
        return Ending.INVALID
    if hasattr(report, "wasxfail"):
        return Ending.XFAILED if report.skipped else Ending.PASSED
    return Ending(report.outcome)


def _place(report: pytest.TestReport) -> tuple[str, int]:
    """The file and the line where the test failed, else where it begins."""
    file, line, _ = report.location
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash and Path(crash.path).name == Path(file).name:
        return file, int(crash.lineno)
    return file, (line or 0) + 1


def _below_repository(root: Path) -> str:
    """The way to pytest's root directory from that of the checkout, which GitHub names."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if not workspace or not root.is_relative_to(workspace) or root == Path(workspace):
        return ""
    return f"{root.relative_to(workspace).as_posix()}/"
