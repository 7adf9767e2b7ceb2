"""Whether there is room on the disk: a run that cannot be written would only be invalid."""

from __future__ import annotations

import errno
import os
from pathlib import Path

ROOM = 64 << 20
"""bytes that must be free: a few runs of seconds at tens of megabits a second"""


def require_room(directory: Path) -> None:
    """See that something can be written.

    :raises OSError: it is ENOSPC, with how much is free.
    """
    there = os.statvfs(directory)
    free = there.f_bavail * there.f_frsize
    if free < ROOM:
        megabytes = f"only {free / 1e6:.0f} MB are free, of {ROOM / 1e6:.0f} MB that are needed"
        raise OSError(errno.ENOSPC, f"the disk is full ({megabytes})", str(directory))
