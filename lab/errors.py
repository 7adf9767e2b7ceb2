"""Every error that the lab raises on purpose, by who must act.

LabError
├── MistakenFile       the author of a topology or plan: every mistake at once, with its place
├── UsageError         the caller: a name that is not in the topology, a quantity without a unit
├── Unsupported        the owner of the machine: it cannot do what was asked, so the run is skipped
├── NotInstalled       the owner of the machine: a program is missing that `make setup` installs
├── SandboxForbidden   the owner of the machine: a setting forbids the namespaces that a lab needs
├── CommandFailed      whoever wrote the command: host, status, output, and a line to paste
├── InvalidRun         nobody's verdict counts: the evidence is incomplete (a capture lost packets)
└── ScenarioFailed     the scenario: what it waited for did not happen, or the wire shows otherwise
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class LabError(Exception):
    """Root of the lab's errors; its text is meant for people and needs no traceback."""


class Mistake(NamedTuple):
    """One mistake in a file, at the place where a person would mend it."""

    file: str
    line: int
    """1 for the first line."""
    column: int
    """1 for the first character."""
    message: str
    source: str = ""
    """The line as it stands in the file, without its end."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: {self.message}"
        if not self.source:
            return where
        return f"{where}\n    {self.source}\n    {' ' * (self.column - 1)}^"


class MistakenFile(LabError):
    """A file has mistakes; ``mistakes`` holds all of them in the order of the file."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class UsageError(LabError):
    """The caller asked for something that does not exist or does not make sense."""


class Unsupported(LabError):
    """This machine or this version cannot do what was asked; the reason says what is missing."""


class NotInstalled(LabError):
    """A program is missing that every network needs; the text says what to install.

    Not a reason to skip: a machine on which nothing was set up would then pass everything.
    """


class SandboxForbidden(LabError):
    """The system refuses the namespaces that a lab lives in; the text names the setting."""


class InvalidRun(LabError):
    """The run cannot be judged, because evidence is missing."""


class ScenarioFailed(LabError, AssertionError):
    """What the scenario demands did not happen; the text says what was there instead."""


@dataclass
class CommandFailed(LabError):
    """A command at a host ended with a status other than 0."""

    host: str
    command: Sequence[str]
    status: int
    output: str

    def __str__(self) -> str:
        return (
            f"at {self.host}: status {self.status}\n"
            f"    {shlex.join(self.command)}\n"
            f"{self.output.rstrip() or '(no output)'}"
        )
