"""Impairments by the kernel's netem."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from functools import cache

from lab import netns
from lab.hop import Hop
from lab.hop.netem import Netem, check
from lab.hop.netem_options import options
from lab.hop.netem_request import put
from lab.model import Direction

LOOPBACK = 1
"""The index of ``lo``, of which every namespace has one."""


class NetemBackend:
    """Two queueing disciplines for each link."""

    name = "netem"

    def why_not(self) -> str | None:
        """Why it does not work here, and what to do; None if it does."""
        return _why_not()

    def check(self, link: str, direction: Direction) -> None:
        """See that it can do exactly what ``direction`` declares."""
        check(link, direction)

    def hops(self, there: Direction, back: Direction, seeds: tuple[int, int]) -> Sequence[Hop]:
        """The pair with both queueing disciplines."""
        return [Netem(there, back, seeds)]


@cache
def _why_not() -> str | None:
    namespace = netns.create()
    try:
        with netns.entered(namespace):
            put(LOOPBACK, options(Direction(), seed=0))
    except OSError as problem:
        if problem.errno == errno.ENOENT:
            return "this kernel has no netem; if it has modules, as root run: modprobe sch_netem"
        return f"the kernel refuses netem: {problem.strerror}"
    finally:
        os.close(namespace)
    return None
