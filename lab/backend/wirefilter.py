"""Impairments by VDE's wirefilter, for kernels without netem."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from functools import cache

from lab.hop import Hop
from lab.hop.wirefilter import Wirefilter
from lab.hop.wirefilter_terms import Terms, check
from lab.model import Direction

TUN = "/dev/net/tun"


class WirefilterBackend:
    """A process or two for each link, with two tap devices each."""

    name = "wirefilter"

    def why_not(self) -> str | None:
        """Why it does not work here, and what to do; None if it does."""
        return _why_not()

    def check(self, link: str, direction: Direction) -> None:
        """See that it can do exactly what ``direction`` declares."""
        check(link, direction)

    def hops(self, there: Direction, back: Direction, seeds: tuple[int, int]) -> Sequence[Hop]:
        """The processes' hops, in the order of the direction there; none takes a seed."""
        return [Wirefilter(terms) for terms in Terms.of(there, back)]


@cache
def _why_not() -> str | None:
    if shutil.which("wirefilter") is None:
        return "wirefilter not found in PATH (on Debian: apt-get install vde2)"
    try:
        os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except OSError as problem:
        advice = {
            errno.ENOENT: "as root run: modprobe tun",
            errno.ENODEV: "as root run: modprobe tun",
            errno.EACCES: f"as root run: chmod 666 {TUN}",
        }.get(problem.errno or 0, "a container needs the device, and permission to use it")
        return f"{TUN} cannot be opened ({problem.strerror}): {advice}"
    return None
