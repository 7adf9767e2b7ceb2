"""Which attempts have ended: one line each, on the disk before anything else happens.

A campaign that is killed may leave half a line at the end, which is nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lab.campaign.points import Point
from lab.errors import UsageError
from lab.files import read
from lab.run import Verdict

MOST_LOST = 3
"""Attempts of a point whose worker died, before that counts as its end."""


@dataclass(frozen=True)
class Entry:
    """One attempt that has ended."""

    point: Point
    attempt: int
    seed: int
    verdict: Verdict
    """``incomplete`` if the worker died, and nothing came of it"""
    reason: str
    run: str | None
    """the name of its directory in ``runs/``"""
    seconds: float
    worker: str
    ended: str
    """ISO 8601"""

    def as_line(self) -> bytes:
        """A line of the journal."""
        values = asdict(self) | self.point.as_dict() | {"point": self.point.name}
        return json.dumps(values).encode() + b"\n"


def entry_of(line: bytes) -> Entry:
    """What a line of the journal says.

    :raises ValueError: it is none.
    """
    values: dict[str, Any] = json.loads(line)
    try:
        del values["point"]
        point = Point(**{field.name: values.pop(field.name) for field in fields(Point)})
        values["verdict"] = Verdict(values["verdict"])
        return Entry(point, **values)
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(str(problem)) from problem


class Journal:
    """The journal in a file, which is made where there is none.

    :raises UsageError: a line other than the last one is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.entries, good = _read(path)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        os.ftruncate(self._descriptor, good)
        os.lseek(self._descriptor, good, os.SEEK_SET)
        os.fsync(self._descriptor)
        self._good = good

    def add(self, entry: Entry) -> None:
        """Add an attempt; when this returns, it is on the disk.

        :raises OSError: it cannot be written; the journal is as before.
        """
        line = entry.as_line()
        try:
            _write_all(self._descriptor, line)
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._good)
            os.lseek(self._descriptor, self._good, os.SEEK_SET)
            raise
        self._good += len(line)
        self.entries.append(entry)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _read(path: Path) -> tuple[list[Entry], int]:
    """The entries of a file, and how many of its bytes hold them."""
    if not path.exists():
        return [], 0
    content = read(path)
    good = content.rfind(b"\n") + 1
    entries = []
    for number, line in enumerate(content[:good].splitlines(), 1):
        try:
            entries.append(entry_of(line))
        except ValueError as problem:
            raise UsageError(
                f"{path}:{number}: this line is damaged ({problem}), so it is not known what was "
                "run; remove the line, and its attempt is run again"
            ) from problem
    return entries, good


def finished(entries: Iterable[Entry], retries: int) -> bool:
    """Whether a point with these attempts needs no other one."""
    invalid = lost = 0
    for entry in entries:
        match entry.verdict:
            case Verdict.INVALID:
                invalid += 1
            case Verdict.INCOMPLETE:
                lost += 1
            case _:
                return True
    return invalid > retries or lost >= MOST_LOST


def outcome(entries: Iterable[Entry]) -> Verdict:
    """The verdict of a point: that of its last attempt."""
    last = Verdict.INCOMPLETE
    for entry in entries:
        last = entry.verdict
    return last
