"""From a kept run to the command line that repeats it; what the manifest says is not trusted."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab import files
from lab.comparison.selection import written
from lab.errors import UsageError
from lab.result import Result

_SCENARIO = re.compile(r"([^:\x00-\x1f]+\.py)::([^\x00-\x1f]+)")
_BACKENDS = (None, "netem", "wirefilter")


@dataclass(frozen=True)
class Plan:
    """What is to be run."""

    original: Result
    project: Path
    """pytest's root directory"""
    test: str
    """the test's id, with an absolute path: no option can look like it"""
    topology: Path
    """the run's copy of the file"""
    backend: str | None
    stack: str | None
    overrides: tuple[str, ...]
    options: tuple[str, ...]
    """of pytest, besides where it writes"""

    def command(self, results: Path, report: Path) -> list[str]:
        """The command line that runs it, keeps its run in ``results``, and writes JUnit's file."""
        return [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
            f"--rootdir={self.project}", f"--results={results}", f"--junitxml={report}",
            f"--topology={self.topology}", *self.options, self.test,
        ]  # fmt: skip


def plan(original: Result, project: Path) -> Plan:
    """What repeats ``original`` in a project.

    :raises UsageError: it is no test, the test's file is gone, or the run is damaged.
    """
    manifest = _Manifest(original)
    backend = manifest.value("backend", lambda value: value in _BACKENDS)
    stack = manifest.value("stack", lambda value: value is None or _is_name(value))
    return Plan(
        original,
        project.resolve(),
        _test(original, project.resolve()),
        _topology(original),
        backend,
        stack,
        tuple(manifest.assignments("overrides")),
        tuple(_options(manifest, backend, stack)),
    )


def _options(manifest: _Manifest, backend: str | None, stack: str | None) -> Iterator[str]:
    seed = manifest.value("seed", lambda value: type(value) is int and value >= 0)
    yield f"--seed={seed}"
    yield from (f"--backend={backend}",) if backend else ()
    yield from (f"--stack={stack}",) if stack else ()
    asked = manifest.options()
    yield from ("--verify",) if asked["verify"] else ()
    yield from () if asked["measure"] else ("--no-measure",)
    yield from (f"--parameter={each}" for each in manifest.assignments("parameters"))
    yield from (f"--override={each}" for each in manifest.assignments("overrides"))


class _Manifest:
    """A manifest whose values are looked at before they are used."""

    def __init__(self, result: Result) -> None:
        self._of, self._values = result.directory / "manifest.json", result.manifest

    def value(self, name: str, right: Callable[[Any], bool]) -> Any:
        """The value of ``name`` if it is a right one; None where there is none."""
        value = self._values.get(name)
        if not right(value):
            raise UsageError(f"{self._of}: {name} is {value!r}, with which nothing can be repeated")
        return value

    def options(self) -> Mapping[str, bool]:
        """Whether it was verified and measured: said by runs of format 2, by older ones implied."""
        asked = self._values.get("options")
        if isinstance(asked, dict):
            return {name: asked.get(name) is True for name in ("verify", "measure")}
        fidelity = self._values.get("fidelity")
        unmeasured = isinstance(fidelity, dict) and fidelity.get("measured") is False
        return {"verify": "verification" in self._values, "measure": not unmeasured}

    def assignments(self, name: str) -> Iterator[str]:
        """Parameters or overrides as ``NAME=VALUE``."""
        chosen = self.value(name, lambda value: value is None or isinstance(value, dict))
        for key, value in (chosen or {}).items():
            if not re.fullmatch(r"[^=\x00-\x1f]+", key) or not isinstance(value, str | int | float):
                raise UsageError(f"{self._of}: {name}: {key!r} cannot be {value!r}")
            yield f"{key}={written(value)}"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z]\w*", value) is not None


def _test(original: Result, project: Path) -> str:
    """The test's id below the project.

    :raises UsageError: there is none.
    """
    found = _SCENARIO.fullmatch(original.scenario)
    if found is None:
        raise UsageError(
            f"{original.directory}: {original.scenario!r} is no test of pytest, and only those can "
            "be repeated"
        )
    file = (project / found[1]).resolve()
    if not file.is_relative_to(project):
        raise UsageError(f"{original.directory}: its scenario, {found[1]}, is not below {project}")
    if not file.is_file():
        raise UsageError(
            f"{original.directory}: its scenario is gone: there is no {file}. Name the project "
            "that it is of with --project, or check out the commit of the run"
        )
    return f"{file}::{found[2]}"


def _topology(original: Result) -> Path:
    """The run's copy of the topology file.

    :raises UsageError: it is not the one that the run had.
    """
    copy = (original.directory / "topology.yaml").resolve()
    named = original.manifest.get("topology")
    expected = named.get("sha256") if isinstance(named, dict) else None
    try:
        found = sha256(files.read(copy)).hexdigest()
    except OSError as problem:
        raise UsageError(f"{copy}: {problem.strerror}: without it nothing is repeated") from problem
    if found != expected:
        raise UsageError(
            f"{copy} is not the file that the run had: its SHA-256 is {found}, in the manifest it "
            f"is {expected}"
        )
    return copy
