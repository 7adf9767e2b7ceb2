"""How far a campaign is. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.campaign.journal import Entry, finished, outcome
from lab.campaign.points import Point
from lab.run import Verdict


@dataclass(frozen=True)
class Standing:
    """Points by how they ended, and what remains."""

    total: int
    verdicts: Mapping[Verdict, int]
    """points that are finished, by their verdicts"""
    seconds: float | None
    """that remain, if anything is known of how long an attempt takes"""

    @property
    def finished(self) -> int:
        """How many points need nothing more."""
        return sum(self.verdicts.values())

    @property
    def good(self) -> bool:
        """Whether nothing has failed or proves nothing."""
        return set(self.verdicts) <= {Verdict.PASSED, Verdict.SKIPPED}

    def counts(self) -> str:
        """``12 passed, 1 invalid``."""
        return counted(self.verdicts)

    def left(self) -> str:
        """The time that remains, for people."""
        if self.finished == self.total:
            return "done"
        return (
            "time left not known yet" if self.seconds is None else f"{duration(self.seconds)} left"
        )


def counted(verdicts: Mapping[Verdict, int]) -> str:
    """``12 passed, 1 invalid``; attempts whose workers died prove nothing either."""
    told = (Verdict.PASSED, Verdict.FAILED, Verdict.INVALID, Verdict.SKIPPED)
    counts = {verdict: verdicts.get(verdict, 0) for verdict in told}
    counts[Verdict.INVALID] += verdicts.get(Verdict.INCOMPLETE, 0)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "none"


def duration(seconds: float) -> str:
    """A time of seconds to days, for people: ``40 s``, ``3 min``, ``2.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def standing(
    points: Sequence[Point], attempts: Mapping[str, Sequence[Entry]], retries: int, slots: int
) -> Standing:
    """How far it is, with so many attempts at the same time."""
    ended = [
        outcome(entries)
        for point in points
        if finished(entries := attempts.get(point.key, ()), retries)
    ]
    known = (entry for entries in attempts.values() for entry in entries)
    remaining = len(points) - len(ended)
    return Standing(len(points), Counter(ended), time_for(remaining, known, slots))


def time_for(count: int, known: Iterable[Entry], slots: int) -> float | None:
    """The seconds that ``count`` attempts take, by what others took; None if there are none."""
    took = [entry.seconds for entry in known if entry.seconds]
    return count * statistics.fmean(took) / max(slots, 1) if took else None
