"""What the kernel's netem is told for one direction, as ``tc`` (tc-netem(8)) would tell it. Pure.

Structures and numbers are those of <linux/pkt_sched.h>; integers are in the machine's order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from lab.model import Bursts, Direction

TCA_NETEM_DELAY_DIST = 2
TCA_NETEM_REORDER = 3
TCA_NETEM_CORRUPT = 4
TCA_NETEM_LOSS = 5
TCA_NETEM_RATE = 6
TCA_NETEM_RATE64 = 8
TCA_NETEM_PRNG_SEED = 14
NETEM_LOSS_GE = 2

NLA_F_NESTED = 0x8000
"""<linux/netlink.h>"""

ALWAYS = 2**32 - 1
"""The probability 1."""

LIMIT = 1_000_000
"""packets that may be on the way; more would be lost by no declared impairment."""

ENDLESS = 10**15
"""bytes per second, at which no frame takes a nanosecond. With any rate, netem_enqueue()
(net/sched/sch_netem.c) lets no packet leave before an earlier one, whatever the jitter, and however
the delay is changed."""

TICK = 64e-9
"""seconds: PSCHED_TICKS2NS(1), <net/pkt_sched.h>"""

LONGEST = ALWAYS * TICK
"""seconds that netem can delay"""


UNIFORM = range(-8192, 8192, 4)
"""The uniform distribution as a table: NETEM_DIST_SCALE (8192) stands for the jitter."""


def options(
    direction: Direction, *, seed: int, table: Sequence[int] = (), change: bool = False
) -> bytes:
    """The attribute TCA_OPTIONS of a netem that does what ``direction`` declares.

    ``table`` has the distribution of the jitter, if that is not uniform. For a ``change``, what is
    not declared is said too: netem_change() keeps what it is not told.
    """
    if change:
        table = table or UNIFORM
    return _qopt(direction) + b"".join(
        _attribute(kind, content) for kind, content in _attributes(direction, seed, table, change)
    )


def _qopt(direction: Direction) -> bytes:
    """``struct tc_netem_qopt``: latency, limit, loss, gap, duplicate, jitter."""
    loss = 0 if isinstance(direction.loss, Bursts) else _share(direction.loss)
    gap = 1 if direction.reorder else 0  # any packet may be one that does not wait
    delay, jitter = (round(seconds / TICK) for seconds in (direction.delay, direction.jitter))
    return struct.pack("=6I", delay, LIMIT, loss, gap, _share(direction.duplicate), jitter)


def _attributes(
    direction: Direction, seed: int, table: Sequence[int], change: bool
) -> Iterator[tuple[int, bytes]]:
    if direction.reorder:
        yield TCA_NETEM_REORDER, struct.pack("=2I", _share(direction.reorder), 0)
    if direction.corrupt or change:
        yield TCA_NETEM_CORRUPT, struct.pack("=2I", _share(direction.corrupt), 0)
    if isinstance(direction.loss, Bursts):
        yield TCA_NETEM_LOSS | NLA_F_NESTED, _attribute(NETEM_LOSS_GE, _gemodel(direction.loss))
    yield TCA_NETEM_RATE64, struct.pack("=Q", ENDLESS)
    yield TCA_NETEM_RATE, struct.pack("=IiIi", ALWAYS, 0, 0, 0)
    yield TCA_NETEM_PRNG_SEED, struct.pack("=Q", seed)
    if table:
        yield TCA_NETEM_DELAY_DIST, struct.pack(f"={len(table)}h", *table)


def _gemodel(bursts: Bursts) -> bytes:
    """``struct tc_netem_gemodel``: p, r, h (passes in the bad state), k1 (lost in the good)."""
    shares = (bursts.enter, bursts.leave, 1 - bursts.bad, bursts.good)
    return struct.pack("=4I", *map(_share, shares))


def _attribute(kind: int, content: bytes) -> bytes:
    """``struct nlattr`` and its content, padded."""
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def _share(fraction: float) -> int:
    return round(fraction * ALWAYS)
