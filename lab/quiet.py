"""Who shares the machine: many do, and who needs it alone waits for them and keeps others out.

Two directories that every machine has are locked with flock(2), for reading only: nothing is
written, nothing remains, and the kernel lets go when a process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.errors import InvalidRun

GATE, ROOM = Path("/"), Path("/usr")
"""Whoever comes passes the gate to enter the room. Who wants the room alone waits in the gate, so
that nobody enters meanwhile and it is empty some time."""

PART = "MPTCP_LAB_SHARES_THE_MACHINE"
"""The variable that tells a pytest that who started it shares the machine already."""

PATIENCE = 300.0
"""seconds"""

GLANCE = 0.01
"""seconds between two attempts"""


@contextmanager
def sharing(
    *, alone: bool, gate: Path = GATE, room: Path = ROOM, patience: float = PATIENCE
) -> Iterator[None]:
    """Use the machine with others, or ``alone``, for as long as the context lasts.

    :raises InvalidRun: others did not let go within ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    with ExitStack() as held:
        with ExitStack() as passing:
            _lock(passing, gate, fcntl.LOCK_EX, deadline, alone)
            _lock(held, room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, deadline, alone)
        yield


def _lock(held: ExitStack, path: Path, how: int, deadline: float, alone: bool) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    held.callback(os.close, descriptor)
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise InvalidRun(_busy(alone)) from None
            time.sleep(GLANCE)
        else:
            return


def _busy(alone: bool) -> str:
    if alone:
        return "other scenarios did not leave the machine to this one, whose times matter"
    return "a scenario whose times matter has kept the machine for itself"
