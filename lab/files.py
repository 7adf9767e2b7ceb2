"""Files: reading what somebody else wrote, replacing, and what a directory holds."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import TypedDict


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


def replace(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file in one step: whoever reads it sees the old content or the new, never half.

    ``durable``: it is on the disk before the old content goes, which takes milliseconds.

    :raises OSError: it cannot be written; then the old content is there still.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


class Held(TypedDict):
    """What a file holds, in short."""

    size: int
    """bytes"""
    sha256: str


def inventory(directory: Path, *but: str) -> dict[str, Held]:
    """The regular files below a directory by their paths in it, without those named by ``but``.

    :raises OSError: one cannot be read.
    """
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if name not in but and path.is_file() and not path.is_symlink():
            found[name] = held(path)
    return found


def held(path: Path) -> Held:
    """The size and SHA-256 of a file.

    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"size": file.tell(), "sha256": digest}
