"""What this process holds now: what it did not hold before, somebody has not given back.

Held are named things, not a number of them: what an earlier test has left in a reference cycle may
end in the middle of this one, and must not make room for what is left now.
"""

import gc
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Descriptor(NamedTuple):
    """One that is open."""

    number: int
    of: str
    """as /proc names it: ``socket:[4026]``"""


class Thread(NamedTuple):
    """One that runs; two of the same name are told apart."""

    name: str
    tid: int | None


class Child(NamedTuple):
    """A process that this one has started, and not waited for."""

    pid: int


def descriptors() -> set[Descriptor]:
    """Those that are open, the one that lists them apart."""
    found = set()
    for path in [*Path("/proc/self/fd").iterdir()]:
        with suppress(FileNotFoundError):  # it is the one
            found.add(Descriptor(int(path.name), str(path.readlink())))
    return found


def held() -> set[Descriptor | Thread | Child]:
    """Descriptors, threads and children: what a stack could leave behind."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    threads = {Thread(each.name, each.native_id) for each in threading.enumerate()}
    return descriptors() | threads | {Child(int(pid)) for pid in children.split()}


def left(now: Callable[[], set[T]], before: set[T]) -> set[T]:
    """What there is now (``left(descriptors, before)``) and was not before.

    What nobody refers to any more does not count, though a cycle may have kept it until now.
    """
    if now() - before:
        gc.collect()
    return now() - before
