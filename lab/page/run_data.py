"""The part of a run's page that shows the data: goodput, sequence, round trips, hand-overs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lab.columns.sent import Sent
from lab.columns.series import SECOND, Handovers, handovers
from lab.page.clock import Clock
from lab.page.evidence import Evidence, Seen, Subflow, Way
from lab.page.goodput import goodput
from lab.page.legend import Drawn, of_subflows
from lab.page.round_trips import round_trips, wide
from lab.page.scene import Scene
from lab.page.section import Section
from lab.page.sequence import sequence
from lab.statistic import amount

TOWARDS = {True: "to the host that accepted it", False: "to the host that opened it"}

MOST = 3
"""Directions of connections that have figures: those with most data."""


def part(found: Evidence, clock: Clock, changed: Sequence[float]) -> Any:
    """What builds the section; ``changed`` is when links changed, in seconds."""

    def build(name: str, title: str) -> Section:
        every = found.ways()
        if not every:
            return Section(name, title, notes=("no capture shows data of an MPTCP connection",))
        ways = [_way(found, clock, changed, at, way) for at, way in enumerate(every[:MOST])]
        left = len(every) - MOST
        others = f"{left} more directions of connections carried less data, and have no figure."
        return Section(name, title, "part_data.html",
                       {"ways": ways, "others": others if left > 0 else ""})  # fmt: skip

    return build


def _way(
    found: Evidence, clock: Clock, changed: Sequence[float], at: int, way: Way
) -> Mapping[str, Any]:
    sender, receiver = found.sender(way), found.receiver(way)
    sent, came = sender.data(way), receiver.data(way)
    gaps = handovers(came)
    there = Scene(f"{at}", clock, changed, receiver.numbers)
    scene = Scene(f"{at}", clock, changed, sender.numbers)
    drawn = [
        _goodput(there, came, gaps, receiver, _cast(found, receiver, came)),
        _sequence(scene, sent, sender, _cast(found, sender, sent)),
        *_round_trips(scene, sent, sender, _cast(found, sender, sent)),
    ]
    return {
        "title": f"Connection {way.connection}, {TOWARDS[way.forward]}",
        "says": _says(came, gaps),
        "figures": drawn,
        "gaps": [_gap(clock, receiver, gaps, row) for row in range(len(gaps))],
    }


def _cast(found: Evidence, seen: Seen, sent: Sent) -> list[Subflow]:
    numbers = {seen.numbers[at] for at in np.unique(sent.subflow).tolist()}
    return [each for each in found.subflows if each.number in numbers]


def _says(came: Sent, gaps: Handovers) -> str:
    octets, seconds = int(came.first.sum()), int(np.ptp(came.time)) / SECOND
    speed = amount(8 * octets / seconds, "bit/s") if seconds else ""
    rate = f", {speed} over {amount(seconds, 's')}" if seconds else ""
    gap = amount(int(gaps.gap.max(initial=0)) / SECOND, "s")
    longest = f" The longest gap of a hand-over was {gap}." if len(gaps) else ""
    again = [amount(int(each.sum()), "byte") for each in (came.reinjected, came.retransmitted)]
    more = f" {again[0]} came again on another subflow, {again[1]} on the same one."
    return f"{amount(octets, 'bytes')} of data arrived{rate}.{more}{longest}"


def _goodput(
    scene: Scene, came: Sent, gaps: Handovers, seen: Seen, cast: Sequence[Subflow]
) -> Drawn:
    svg = goodput(scene, came, gaps)
    marked = " Triangles: where data moved from one subflow to another." if len(gaps) else ""
    paused = " Shaded: no new data on any subflow." if "nothing new for" in svg else ""
    return Drawn(
        f"figure-goodput-{scene.name}", "Goodput of each subflow, stacked",
        svg,
        f"New data as it arrived at {seen.host}, in steps of {scene.clock.step / 1e6:g} ms; what "
        f"came a second time does not count.{marked}{paused}{_dotted(scene)}",
        of_subflows(f"goodput-key-{scene.name}", cast),
    )  # fmt: skip


def _sequence(scene: Scene, sent: Sent, seen: Seen, cast: Sequence[Subflow]) -> Drawn:
    mapped = sent.take(sent.unmapped == 0)
    svg, drawn = sequence(scene, mapped)
    again = int((mapped.reinjected > 0).sum())
    thin = (
        f" {drawn} of {len(mapped)} segments are drawn: of those that would cover one another, one."
        if drawn < len(mapped)
        else ""
    )
    left = len(sent) - len(mapped)
    bare = f" {left} segments have no mapping, and are not drawn." if left else ""
    return Drawn(
        f"figure-sequence-{scene.name}", "Data sequence numbers over time", svg,
        f"Each segment with data that {seen.host} captured, from its first octet to its last, "
        f"counted from the first data of the connection. Rings: reinjections, data that another "
        f"subflow had carried before ({again}).{thin}{bare}{_dotted(scene)}",
        of_subflows(f"sequence-key-{scene.name}", cast),
    )  # fmt: skip


def _round_trips(scene: Scene, sent: Sent, seen: Seen, cast: Sequence[Subflow]) -> list[Drawn]:
    if not (sent.rtt >= 0).any():
        return []
    svg, count = round_trips(scene, sent)
    scale = " The scale is logarithmic." if wide(sent.rtt[sent.rtt >= 0]) else ""
    return [Drawn(
        f"figure-rtt-{scene.name}", "Round-trip time of each subflow", svg,
        f"From a segment that was sent once to the acknowledgment that covers it, at {seen.host}: "
        f"line and marks are the median of each step of {scene.clock.step / 1e6:g} ms, upright "
        f"bars reach from the least to the greatest; {count} samples.{scale}{_dotted(scene)}",
        of_subflows(f"rtt-key-{scene.name}", cast),
    )]  # fmt: skip


def _dotted(scene: Scene) -> str:
    return " Dotted: changes of links." if scene.changes else ""


def _gap(clock: Clock, seen: Seen, gaps: Handovers, row: int) -> tuple[str, ...]:
    return (
        f"{clock.seconds(gaps.time[row]):.3f}",
        f"subflow {seen.numbers[gaps.before[row]]}",
        f"subflow {seen.numbers[gaps.after[row]]}",
        amount(int(gaps.gap[row]) / SECOND, "s"),
    )
