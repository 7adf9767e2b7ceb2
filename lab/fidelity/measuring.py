"""Measuring the links of a topology: the packets, and how often again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from lab.build import Network
from lab.errors import InvalidRun
from lab.fidelity import figures, statistics
from lab.fidelity.bench import bench
from lab.fidelity.budget import Budget
from lab.fidelity.figures import Figure
from lab.fidelity.way import TICK, Way
from lab.model import Topology

PAUSE = 0.002
"""seconds between two looks at trains"""

QUIET = 0.03
"""seconds without a packet after which none is waited for"""

PATIENCE = 5.0
"""seconds beyond its declared delay and queue until a packet counts as lost"""

SLOWEST = 10.0
"""seconds that packets may be under way to be waited for"""

SILENT = {"net.ipv6.conf.all.disable_ipv6": "1"}


class Place(NamedTuple):
    """One direction of a link."""

    link: str
    way: str
    """there or back"""


Figures = dict[Place, dict[str, Figure]]
"""By the direction, by what is declared."""


def measure(topology: Topology, budget: Budget, backend: str | None = None) -> Figures:
    """Every link that declares something; what misses is measured again, as often as planned.

    Of links that are alike, one is measured.

    :raises Unsupported: a link cannot be emulated here.
    """
    known: Figures = {}
    with Network(bench(topology), backend=backend) as network, ExitStack() as opened:
        for node in network.nodes:
            node.set_sysctls(SILENT)
        all_ways = dict(_ways(network, budget))
        known |= {place: _unseen(way) for place, way in all_ways.items() if _too_slow(way)}
        ways = {
            place: opened.enter_context(way)
            for place, way in all_ways.items()
            if place not in known
        }
        for attempt in range(budget.attempts):
            missing = [place for place in ways if not kept(known.get(place))]
            if missing and attempt:
                time.sleep(0.1 * 2**attempt)
            for group in [missing] if budget.together else [[place] for place in missing]:
                for place, found in _figures({each: ways[each] for each in group}).items():
                    known[place] = _better(known.get(place, {}), found)
    return known


def _too_slow(way: Way) -> bool:
    """Whether nobody would wait for its packets before a scenario."""
    return _delay(way) > SLOWEST


def _delay(way: Way) -> float:
    """Seconds that nearly all of its packets take at most."""
    return way.direction.delay + 4 * way.direction.jitter


def kept(found: dict[str, Figure] | None) -> bool:
    """Whether all that was measured is as declared."""
    return found is not None and all(figure.kept for figure in found.values())


def _better(before: dict[str, Figure], now: dict[str, Figure]) -> dict[str, Figure]:
    """What was right once stays: a machine may be too busy to measure, never too idle."""
    return now | {name: figure for name, figure in before.items() if figure.kept}


def _ways(network: Network, budget: Budget) -> Iterator[tuple[Place, Way]]:
    for name, link in network.topology.links.items():
        first, second = (network.node(end.node) for end in link.ends)
        interface = link.ends[0].interface
        yield Place(name, "there"), Way(first, second, interface, link.there, budget)
        yield Place(name, "back"), Way(second, first, interface, link.back, budget)


def _figures(ways: dict[Place, Way]) -> Figures:
    """Measure these directions, all at once."""
    found: Figures = {place: {} for place in ways}
    _probe([*ways.values()])
    for place, way in ways.items():
        try:
            probes = way.take()
        except InvalidRun as problem:
            found[place] |= _failed(way, str(problem))
            continue
        way.base = statistics.quantile(probes.delays() or [0], 0.5)
        found[place] |= _named(figures.of_probes(way.direction, probes, way.budget))
    full = {place: way for place, way in ways.items() if way.frame}
    _train([*full.values()])
    for place, way in ways.items():
        found[place] |= _of_train(way)
    return found


def _of_train(way: Way) -> dict[str, Figure]:
    if way.frame is None:
        return _unmeasured(way) if way.direction.rate else {}
    try:
        train = way.take()
    except InvalidRun as problem:
        return _failed(way, str(problem))
    return _named(figures.of_train(way.direction, train, way.frame, way.base, way.budget))


def _named(found: Iterator[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in found}


def _failed(way: Way, reason: str) -> dict[str, Figure]:
    rate = float(way.direction.rate or 0)
    return {"rate": Figure("rate", rate, None, rate, rate, reason)}


def _unmeasured(way: Way) -> dict[str, Figure]:
    rate = float(way.direction.rate or 0)
    reason = f"so few packets pass in {way.budget.longest:g} s that they tell no rate"
    return {"rate": Figure("rate", rate, None, rate, rate, reason, judged=False)}


def _unseen(way: Way) -> dict[str, Figure]:
    delay = way.direction.delay
    reason = f"its packets take longer than {SLOWEST:g} s, so that nothing of it is measured"
    return {"delay": Figure("delay", delay, None, delay, delay, reason, judged=False)}


def _probe(ways: Sequence[Way]) -> None:
    """Single packets, one each tick, by all ways."""
    for tick in range(max((way.probes * way.every for way in ways), default=0)):
        for way in ways:
            number, rest = divmod(tick, way.every)
            if rest == 0 and number < way.probes:
                way.send(number)
        time.sleep(TICK)
    _await(ways, 0.0)


def _train(ways: Sequence[Way]) -> None:
    """Packets as many as fill each link, until the last one of them has been looked at enough."""
    for way in ways:
        way.restart()
    began = time.monotonic()
    busy = list(ways)
    while busy:
        busy = [way for way in busy if way.top_up(time.monotonic() - began)]
        for way in ways:
            way.look()
        time.sleep(PAUSE)
    _await(ways, max((_emptying(way) for way in ways), default=0.0))
    for way in ways:
        way.restart()


def _emptying(way: Way) -> float:
    """Seconds until the longest queue that can have been filled is empty."""
    return way.offered(way.duration) * (way.frame or 0) * 8 / (way.direction.rate or 1)


def _await(ways: Sequence[Way], queue: float) -> None:
    """Return when what is under way has come, or is lost."""
    slowest = max(map(_delay, ways), default=0.0)
    quiet = QUIET + slowest
    last = time.monotonic()
    deadline = last + slowest + queue + PATIENCE
    while (now := time.monotonic()) < deadline:
        if sum(way.look() for way in ways):
            last = now
        elif all(way.complete for way in ways) or now - last > quiet:
            return
        time.sleep(PAUSE)
