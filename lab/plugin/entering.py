"""Running pytest in a sandbox: the whole of it, or each pytest-xdist worker in its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from lab import sandbox, session
from lab.errors import UsageError
from lab.places import require_visible

_LOOKS_ONLY = (
    "collectonly",
    "showfixtures",
    "show_fixtures_per_test",
    "help",
    "version",
    "markers",
)
"""Options with which pytest runs no test."""


_FILES = ("results", "xmlpath", "log_file", "summary", "topology")
"""Options that name what pytest writes, or reads."""

_INSIDE = (
    "lab.plugin.verdicts",
    "lab.plugin.fixtures",
    "lab.plugin.parameters",
    "lab.plugin.measuring",
    "lab.plugin.alone",
    "lab.plugin.telling",
)
"""The plug-ins of a pytest that runs tests. They import Mininet and Scapy, which takes most of a
second: the process that only starts another one does without."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the lab's options."""
    group = parser.getgroup("lab", "Multipath TCP lab")
    group.addoption("--results", type=Path, help="where runs are kept (default: results)")
    group.addoption(
        "--keep", choices=("all", "failed"), default="all", help="which runs stay (default: all)"
    )
    group.addoption(
        "--verify", action="store_true", help="fail scenarios whose captures violate the protocol"
    )
    group.addoption(
        "--no-measure", action="store_true", help="take links to do what they declare, unmeasured"
    )
    group.addoption(
        "--backend", choices=("netem", "wirefilter"),
        help="what emulates delay, loss and the like (default: what works here)",
    )  # fmt: skip
    group.addoption(
        "--stack", metavar="KIND",
        help="what hosts are: a kind of mptcpapi.stacks, as netns (default: the lab's own)",
    )  # fmt: skip
    group.addoption(
        "--summary", type=Path, metavar="FILE.md", help="write what came of all tests as Markdown"
    )
    group.addoption(
        "--github", action="store_true",
        help="print annotations of GitHub Actions, and add the summary to its step's",
    )  # fmt: skip
    group.addoption(
        "--topology", type=Path, metavar="FILE", help="run scenarios in this network, not in theirs"
    )
    group.addoption("--seed", type=int, help="repeat what a run drew at random (default: draw)")
    group.addoption(
        "--parameter", action="append", default=[], metavar="NAME=VALUE",
        help="what a scenario gets when it asks for this parameter (repeat it for others)",
    )  # fmt: skip
    group.addoption(
        "--override", action="append", default=[], metavar="KEY=VALUE",
        help="change the topology: links.wifi.rate='2 Mbit/s' (repeat it for others)",
    )  # fmt: skip

    group.addoption(
        "--campaign", metavar="JSON", help="what of a campaign the run is (for its manifest)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what the lab's markers mean, and bring its fixtures."""
    for line in (
        "topology(name): the network of a scenario: a name in topologies/, or a path",
        "flow(sender='client', server_protocol=IPPROTO_MPTCP): how the flow fixture is made",
        "timing: its times matter, so that no other scenario runs on the machine meanwhile",
        "violates(sentence, ...): what the test violates on purpose: it is found, nothing else is",
    ):
        config.addinivalue_line("markers", line)
    for name in _INSIDE:
        config.pluginmanager.import_plugin(name)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Run the same command in a sandbox, and end with its status.

    Where the system forbids a sandbox, this process goes on: tests that need no network pass, and
    those that do fail with the reason.
    """
    if not _needs_sandbox(config) or sandbox.why_not() is not None:
        return None
    _require_visible(config)
    if _distributes(config):
        return None
    arguments = [str(argument) for argument in config.invocation_params.args]
    status = session.status_of(sandbox.run([sys.executable, "-m", "lab.session", *arguments]))
    if status is None:
        raise pytest.UsageError(
            "pytest did not come to its end: something in a test ended the whole process with "
            "status 0, as os._exit(0) does. What was not reported has not passed"
        )
    return status


def _needs_sandbox(config: pytest.Config) -> bool:
    if sandbox.inside() or config.invocation_params.plugins:
        return False  # plug-ins that are objects of this process cannot follow into another
    return not any(getattr(config.option, name, False) for name in _LOOKS_ONLY)


def _require_visible(config: pytest.Config) -> None:
    """Refuse to read or write files where a sandbox has its own."""
    named = [getattr(config.option, name, None) for name in _FILES]
    tests = [argument.partition("::")[0] for argument in config.args]
    try:
        require_visible(config.rootpath, *(Path(path) for path in [*named, *tests] if path))
    except UsageError as problem:
        raise pytest.UsageError(str(problem)) from problem


def _distributes(config: pytest.Config) -> bool:
    """Whether pytest-xdist's workers run the tests, so that this process only waits for them."""
    option = config.option
    asked = getattr(option, "numprocesses", None) or getattr(option, "tx", None)
    return bool(asked) and not option.usepdb


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Start each local worker in a sandbox of its own."""
    if sandbox.why_not() is not None:
        return
    for spec in specs:
        if spec.popen and not spec.python:
            spec.python = sandbox.python_in_sandbox()
