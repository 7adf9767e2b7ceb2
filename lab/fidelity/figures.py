"""Declared and measured, side by side: what is judged of one direction of a link. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lab import shape
from lab.fidelity import statistics
from lab.fidelity.budget import Budget
from lab.fidelity.probe import Seen
from lab.model import Direction
from lab.model.bursts import Bursts
from lab.units import Queue

NANO = 1e-9

QUARTILES = {"uniform": 1.0, "normal": 1.349}
"""Between first and third quartile, for a jitter of 1: half of what is uniform in -1 to 1, and
twice 0.6745 standard deviations"""

DOUBT = 3.0
"""standard deviations that chance is given"""

HURRY = 0.01
"""seconds that a sender may be late on a machine with other work"""

OFTEN = 0.003
"""seconds within which it comes again on one without"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that a direction of a link declares, and what was measured of it."""

    name: str
    """rate (bit/s), delay, jitter (s), loss, duplicate, corrupt (share), queue (bytes)"""
    declared: float
    measured: float | None
    """None if it could not be measured"""
    least: float
    """What is tolerated, from here"""
    most: float
    """to here."""
    note: str = ""
    """Why it could not be measured, or what the measured value stands for."""
    judged: bool = True
    """False where the time did not suffice, so that nothing is demanded."""

    @property
    def kept(self) -> bool:
        """Whether it is as declared, as far as it is judged."""
        if not self.judged:
            return True
        return self.measured is not None and self.least <= self.measured <= self.most


def of_probes(direction: Direction, probes: Seen, budget: Budget) -> Iterator[Figure]:
    """What single packets tell: delay, jitter, and shares of packets."""
    delays = [delay * NANO for delay in probes.delays()]
    if direction.delay or direction.rate is not None:
        yield _delay(direction, delays, budget)
    if direction.jitter:
        yield _jitter(direction, delays, budget)
    yield from _shares(direction, probes)


def _delay(direction: Direction, delays: list[float], budget: Budget) -> Figure:
    share, least = budget.delay
    half = max(share * direction.delay, least)
    if direction.jitter and delays:
        # The median of so many is itself spread, as 1.25 standard deviations over their root.
        half += DOUBT * 1.25 * direction.jitter / math.sqrt(len(delays))
    measured = statistics.quantile(delays, 0.5) if delays else None
    return Figure(
        "delay", direction.delay, measured, direction.delay - half, direction.delay + half,
        "" if delays else "no packet came",
    )  # fmt: skip


def _jitter(direction: Direction, delays: list[float], budget: Budget) -> Figure:
    share, least = budget.jitter
    kind = direction.distribution
    if kind not in QUARTILES:
        return Figure(
            "jitter", direction.jitter, None, 0, math.inf,
            f"a distribution that is {kind} is not judged", judged=False,
        )  # fmt: skip
    measured = statistics.spread(delays) / QUARTILES[kind] if len(delays) > 1 else None
    half = max(share * direction.jitter, least)
    half += DOUBT * direction.jitter / math.sqrt(max(1, len(delays)))
    return Figure(
        "jitter", direction.jitter, measured, direction.jitter - half, direction.jitter + half,
        "" if measured else "no packets came",
    )  # fmt: skip


def _shares(direction: Direction, probes: Seen) -> Iterator[Figure]:
    """Loss always, since none is a promise too; the others where they are declared."""
    counted: tuple[tuple[str, float | Bursts, int], ...] = (
        ("loss", direction.loss, probes.lost),
        ("duplicate", direction.duplicate, probes.repeated),
        ("corrupt", direction.corrupt, probes.altered),
    )
    count = len(probes.sent)
    for name, declared, hits in counted:
        if name != "loss" and not declared:
            continue
        share, factor = _mean(declared)
        if factor == 1:
            least, most = statistics.tolerated(count, share)
        else:
            least, most = statistics.widened(count, share, factor)
        measured = hits / count if count else None
        yield Figure(
            name, share, measured, least / max(1, count), most / max(1, count),
            f"{hits} of {count} packets",
        )  # fmt: skip


def _mean(declared: float | Bursts) -> tuple[float, float]:
    """The share of packets, and by how much bursts widen its variance."""
    if not isinstance(declared, Bursts):
        return declared, 1.0
    return declared.average, burstiness(declared)


def burstiness(bursts: Bursts) -> float:
    """How many times the binomial variance the number of lost packets has, in the long run.

    The covariance of two packets falls by the factor 1 - enter - leave with each packet between.
    """
    share, in_bad = bursts.average, bursts.enter / (bursts.enter + bursts.leave)
    memory = 1 - bursts.enter - bursts.leave
    covariance = (bursts.bad - bursts.good) ** 2 * in_bad * (1 - in_bad)
    return 1 + 2 * covariance * memory / (1 - memory) / (share * (1 - share))


def of_train(
    direction: Direction, train: Seen, frame: int, base: float, budget: Budget
) -> Iterator[Figure]:
    """What a full link tells: its rate, and how long its queue is.

    ``frame``: bytes of each packet; ``base``: nanoseconds that a packet is under way without queue.
    """
    if direction.rate is None:
        return
    yield _rate(direction.rate, direction, train, frame, base, budget)
    if direction.queue:
        yield _queue(direction.rate, direction, train, frame, base, budget)


def _rate(
    rate: int, direction: Direction, train: Seen, frame: int, base: float, budget: Budget
) -> Figure:
    stretch = _stretch(rate, direction, train, frame, base)
    measured = statistics.rate(stretch, frame, ahead(rate))
    arriving = 1 - _mean(direction.loss)[0]
    half = budget.rate * rate
    if 0 < arriving < 1:
        measured = measured and measured / arriving
        half += DOUBT * rate * math.sqrt((1 - arriving) / max(1, len(stretch)))
    least, most = rate - half, rate + half
    if measured is not None:
        return Figure("rate", rate, measured, least, most, f"of {len(stretch)} packets in a row")
    passed = statistics.throughput(train, frame, ahead(rate))
    if passed > most:
        return Figure("rate", rate, passed, least, most, "packets pass as fast as they are sent")
    return Figure(
        "rate", rate, None, least, most,
        f"the machine sent too little, {passed / 1e6:.3g} Mbit/s, to fill it",
        judged=rate <= budget.fillable and not _drained(rate, direction, frame),
    )  # fmt: skip


def _stretch(
    rate: int, direction: Direction, train: Seen, frame: int, base: float
) -> list[statistics.Arrival]:
    """Packets that passed one after the other as fast as the link lets them."""
    if direction.queue and hurried(rate, direction.queue, frame):
        holds = room(direction.queue, rate, frame)
        return statistics.fed_stretch(train, base, frame, ahead(rate), holds, rate)
    return statistics.busy_stretch(train, base)


def hurried(rate: int, queue: Queue | None, frame: int) -> bool:
    """Whether hardly a packet waits behind another, since the queue has run empty by then."""
    return queue is not None and (room(queue, rate, frame) - frame) * 8 / rate < HURRY


def _drained(rate: int, direction: Direction, frame: int) -> bool:
    """Whether even the shaper's bucket overflows before the sender comes again."""
    waiting = room(direction.queue, rate, frame) if direction.queue else math.inf
    return (waiting + ahead(rate)) * 8 / rate < OFTEN


def ahead(rate: int) -> int:
    """Bytes that any shaper of that rate may let pass at once before it shapes."""
    return max(2 * shape.FRAME, round(rate / 8 * shape.BURST_TIME))


def room(queue: Queue, rate: int, frame: int) -> int:
    """Bytes of frames of that size which a queue holds."""
    if queue.packets is not None:
        return queue.packets * frame
    size = queue.bytes if queue.bytes is not None else round(rate / 8 * (queue.seconds or 0.0))
    return size // frame * frame


def _queue(
    rate: int, direction: Direction, train: Seen, frame: int, base: float, budget: Budget
) -> Figure:
    declared = room(direction.queue or Queue(), rate, frame)
    measured = statistics.longest_wait(train, base) * NANO * rate / 8
    share, frames = budget.queue
    half = share * declared + frames * frame + direction.jitter * rate / 8
    least, most = declared - half, declared + half
    if declared * 8 / rate > budget.fill:
        reason = f"filling it would take longer than {budget.fill:g} s"
    elif rate > budget.fillable and measured < least:
        reason = "the machine sent too little to fill it"
    else:
        return Figure("queue", declared, measured, least, most)
    return Figure("queue", declared, None, least, most, reason, judged=False)
