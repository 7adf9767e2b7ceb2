"""What the doctor finds: why a subflow cannot appear, where, and what to type against it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

Command = tuple[str, ...]
"""A command with its arguments, for no shell."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, or, if it stops nothing by itself, one remark."""

    cause: str
    """Which kind, one of those in docs/doctor.md."""
    host: str
    """Where: a node of the topology, or empty for this machine."""
    what: str
    """What is so, in a sentence."""
    advice: str = ""
    """What to do, in a sentence."""
    commands: tuple[Command, ...] = ()
    """What to type for that at the host, one after the other; empty where no command does it."""
    stops: bool = True
    """Whether a subflow cannot appear because of it, or cannot carry data."""

    def lines(self, prefix: Command = ()) -> list[str]:
        """The commands as they are pasted into a shell, each behind ``prefix``."""
        return [shlex.join((*prefix, *command)) for command in self.commands]


def once(found: Iterable[Finding]) -> list[Finding]:
    """Tell once what is found for several pairs of addresses; what stops subflows comes first."""
    told: dict[tuple[object, ...], Finding] = {}
    for each in found:
        told.setdefault((each.cause, each.host, each.commands or each.what), each)
    return sorted(told.values(), key=lambda each: not each.stops)
