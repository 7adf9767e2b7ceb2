"""Reading files that somebody else wrote."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read(path: Path, most: int = -1) -> bytes:
    """The content of a regular file, ``most`` bytes at the most.

    A FIFO or a device, which may give nothing for ever, is refused.

    :raises OSError: it cannot be read.
    """
    if "\0" in str(path):  # Python refuses it by a ValueError, in words that differ by its version
        raise OSError(errno.EINVAL, "a path has no null character in it", str(path))
    # Without O_NONBLOCK, opening a FIFO waits for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.read(most)
