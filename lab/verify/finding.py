"""What verifying a capture brings to light: findings, what could not be checked, what was."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a finding weighs."""

    VIOLATION = "violation"
    """The protocol forbids it, or a number is not what the keys or the data demand."""
    DOUBT = "doubt"
    """It should not be, but an incomplete capture or an unusual host can look so."""
    NOTE = "note"
    """It is allowed, and explains what follows: a fallback, a reset with its reason."""


class Place(NamedTuple):
    """A packet in a capture."""

    file: str
    number: int
    """1 for the first in the file, as in Wireshark."""

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen, where, and what the protocol says to it."""

    severity: Severity
    section: str
    """Of RFC 8684; of RFC 6824 if it says so."""
    sentence: str
    packets: tuple[Place, ...]
    """Where to look; the first packet comes first."""

    @property
    def said(self) -> str:
        """Severity, sentence and section of the RFC, without the packets."""
        rfc = self.section if self.section.startswith("RFC") else f"RFC 8684 {self.section}"
        return f"{self.severity}: {self.sentence} ({rfc})"

    def __str__(self) -> str:
        where = ", ".join(map(str, self.packets)) or "no packet"
        return f"{self.said} [{where}]"


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What a rule asks for and the captures do not tell."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"unchecked: {self.what}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a rule has looked at; its findings are told apart from it."""

    what: str
    count: int


Judgement = Finding | Unchecked | Checked


class Verdict(StrEnum):
    """The heaviest of what was found."""

    VERIFIED = "verified"
    """All that the protocol allows to check was checked, and nothing was wrong."""
    UNCHECKED = "unchecked"
    """Nothing was wrong, but something could not be checked."""
    DOUBTFUL = "doubtful"
    VIOLATED = "violated"


def verdict(judgements: tuple[Judgement, ...]) -> Verdict:
    """Weigh what was found; with nothing checked at all, nothing is verified."""
    severities = {each.severity for each in judgements if isinstance(each, Finding)}
    if Severity.VIOLATION in severities:
        return Verdict.VIOLATED
    if Severity.DOUBT in severities:
        return Verdict.DOUBTFUL
    checked = any(isinstance(each, Checked) and each.count for each in judgements)
    if not checked or any(isinstance(each, Unchecked) for each in judgements):
        return Verdict.UNCHECKED
    return Verdict.VERIFIED


def violation(section: str, sentence: str, *packets: Place) -> Finding:
    """What the protocol forbids."""
    return Finding(Severity.VIOLATION, section, sentence, packets)


def doubt(section: str, sentence: str, *packets: Place) -> Finding:
    """What should not be, and need not be anybody's fault."""
    return Finding(Severity.DOUBT, section, sentence, packets)


def note(section: str, sentence: str, *packets: Place) -> Finding:
    """What explains the rest."""
    return Finding(Severity.NOTE, section, sentence, packets)
