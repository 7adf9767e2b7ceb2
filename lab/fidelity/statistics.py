"""What the times of packets tell of a link. Pure.

Times are in nanoseconds, rates in bit/s. A rate and a queue are measured by a *train*: packets of
one size that are sent faster than the link carries them, so that each waits behind the one before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from lab.fidelity.probe import Seen

FEWEST = 12
"""packets from which a rate is read: fewer say little"""

WAITED = 2_000_000
"""nanoseconds that a packet waits for no other reason than the one before it"""

NO_WAIT = 200_000
"""nanoseconds below which nobody knows whether a packet waited"""

CONFIDENCE = 0.99


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which so much of ``values`` lies; interpolated."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def spread(values: Sequence[float]) -> float:
    """From the first to the third quartile: a packet that a busy machine kept does not alter it."""
    return quantile(values, 0.75) - quantile(values, 0.25)


class Arrival(NamedTuple):
    """One packet of a train."""

    time: int
    """when it came"""
    wait: float
    """how much longer it was under way than a packet that need not wait"""


def busy_stretch(train: Seen, base: float) -> list[Arrival]:
    """The longest stretch in which the link was never idle.

    ``base`` is how long a packet is under way that need not wait. A link is busy when the next
    packet entered it before the last one left it.
    """
    longest: list[Arrival] = []
    stretch: list[Arrival] = []
    for time, number in train.first_arrivals():
        sent = train.sent[number]
        if stretch and sent >= stretch[-1].time - base:
            stretch = []
        stretch.append(Arrival(time, time - sent - base))
        if len(stretch) > len(longest):
            longest = stretch
    return longest


def fed_stretch(
    train: Seen, base: float, frame: int, ahead: int, room: int, rate: float
) -> list[Arrival]:
    """The longest stretch in which a token bucket of that rate lost no token, as busy ones do.

    Where the queue is so short that hardly a packet waits in it, the link is idle between any two;
    but the bucket keeps ``ahead`` bytes of what was not sent meanwhile, and lets it pass later. So
    as many pass as by a link that is never idle, until the bucket overflows. It does at the latest
    when nothing is sent for as long as queue (``room``, bytes) and bucket last, whatever a packet
    seems to have waited: behind the shaper, a busy machine may keep it too.
    """
    pauses = _pauses(train, (ahead + room) * 8e9 / rate)
    longest: list[Arrival] = []
    stretch: list[Arrival] = []
    tokens, before, pause = float(ahead), 0, 0
    for time, number in train.first_arrivals():
        wait = time - train.sent[number] - base
        tokens += (time - before) * rate / 8e9
        if (wait < NO_WAIT and tokens > ahead) or pauses[number] != pause:
            stretch, tokens = [], float(ahead)
        tokens = 0.0 if wait >= NO_WAIT else max(0.0, tokens - frame)
        stretch.append(Arrival(time, wait))
        before, pause = time, pauses[number]
        if len(stretch) > len(longest):
            longest = stretch
    return longest


def _pauses(train: Seen, longest: float) -> dict[int, int]:
    """How many pauses longer than so many nanoseconds there were before each packet was sent."""
    found: dict[int, int] = {}
    count, before = 0, math.inf
    for number, time in sorted(train.sent.items(), key=lambda each: each[1]):
        count += time - before > longest
        found[number], before = count, time
    return found


def rate(stretch: Sequence[Arrival], frame: int, ahead: int) -> float | None:
    """Bits per second at which frames of so many bytes came, one waiting behind the other.

    ``ahead``: bytes that a token bucket may have let pass at once in the beginning; until a packet
    has clearly waited, these are left out. The rate is that of the straight line through all times,
    which a few late ones hardly move. None if too few packets came.
    """
    waited = (place for place, each in enumerate(stretch) if each.wait > WAITED)
    steady = stretch[min(math.ceil(ahead / frame), next(waited, len(stretch))) :]
    if len(steady) < FEWEST:
        return None
    period = _slope([each.time for each in steady])
    return frame * 8e9 / period if period > 0 else None


def throughput(train: Seen, frame: int, ahead: int) -> float:
    """Bits per second at which a train passed as a whole, without the bytes that came ahead."""
    times = [time for time, _ in train.first_arrivals()]
    if len(times) < 2 or times[-1] == times[0]:
        return 0.0
    return max(0, len(times) * frame - ahead) * 8e9 / (times[-1] - times[0])


def _slope(times: Sequence[int]) -> float:
    """Of the line through ``times`` over their places, by least squares."""
    count = len(times)
    middle = (count - 1) / 2
    mean = sum(times) / count
    over = sum((place - middle) * (time - mean) for place, time in enumerate(times))
    return over / sum((place - middle) ** 2 for place in range(count))


def longest_wait(train: Seen, base: float) -> float:
    """Nanoseconds that the packet waited which waited longest."""
    return max(train.delays(), default=0) - base


def tolerated(count: int, share: float) -> tuple[int, int]:
    """How many of ``count`` packets are hit, each with that probability: 99 % lie in between.

    At most half a percent lie below and half a percent above (binomial, exact).
    """
    if share <= 0 or share >= 1:
        return (0, 0) if share <= 0 else (count, count)
    tail = (1 - CONFIDENCE) / 2
    below = list(accumulate(_binomial(count, share)))
    least = next(hits for hits, sum_ in enumerate(below) if sum_ > tail)
    most = next((hits for hits, sum_ in enumerate(below) if sum_ >= 1 - tail), count)
    return least, most


def _binomial(count: int, share: float) -> list[float]:
    hit, missed = math.log(share), math.log1p(-share)
    ways = math.lgamma(count + 1)
    return [
        math.exp(
            ways - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
            + hits * hit + (count - hits) * missed
        )
        for hits in range(count + 1)
    ]  # fmt: skip


def widened(count: int, share: float, factor: float) -> tuple[int, int]:
    """As :func:`tolerated` where hits come in bursts, so that so many packets say as much as one.

    The interval of a normal distribution whose variance is ``factor`` times the binomial one.
    """
    middle, half = count * share, 2.576 * math.sqrt(count * share * (1 - share) * factor)
    return max(0, math.floor(middle - half)), min(count, math.ceil(middle + half))
