"""How the process of a hop ended."""

from __future__ import annotations

import subprocess
from contextlib import suppress

PATIENCE = 1.0
"""seconds between the end of a process's output and its own."""


def was_killed(process: subprocess.Popen[bytes]) -> bool:
    """Whether a signal ended it: then it says nothing of what this machine can do."""
    return (status_of(process) or 0) < 0


def status_of(process: subprocess.Popen[bytes]) -> int | None:
    """Its status, -N after signal N; None if it goes on."""
    with suppress(subprocess.TimeoutExpired):
        return process.wait(PATIENCE)
    return None
