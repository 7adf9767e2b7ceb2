"""The part of a run's page that shows what happened when: swim lanes, and who is who."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lab.page import lanes
from lab.page.clock import Clock
from lab.page.evidence import Evidence, Seen, Subflow
from lab.page.legend import Drawn, of_subflows
from lab.page.moments import Change, Moment, Record, events, first_seen, options
from lab.page.section import Section
from lab.statistic import amount

LISTED = 200
"""Subflows that a page has room for."""

CAPTION = (
    "One lane a subflow. The band is as thick as what it carried in each step of {step}, in both "
    "directions; words above it are MPTCP options (without MP_) of {hosts}, words below it are "
    "events of the hosts' kernels. A tick without a word has the word before it, or no room for "
    "one.{changes}{more}"
)


def part(
    found: Evidence, clock: Clock, records: Sequence[Record], changed: Sequence[Change],
    links: Mapping[str, str],
) -> Any:  # fmt: skip
    """What builds the section; ``links`` are the names of links, by the address of a host."""

    def build(name: str, title: str) -> Section:
        said = by_subflow(events(records, found.subflows))
        carried = {each.host: by_subflow(options(each)) for each in found.seen}
        drawn = [
            _lane(first_seen(found, each), each, (carried, said), _link(each, links))
            for each in found.subflows[:LISTED]
        ]
        if not drawn:
            return Section(name, title, notes=("no capture shows a TCP connection",))
        figure = Drawn(
            "figure-lanes", "Subflows, events, options, and changes of links",
            lanes.lanes(clock, drawn, changed), _caption(clock, len(found.subflows), changed),
            of_subflows("lanes-key", found.subflows[: lanes.MOST]),
        )  # fmt: skip
        rows = [_row(found, lane) for lane in drawn]
        left = len(found.subflows) - LISTED
        notes = (f"{left} more subflows are not listed",) if left > 0 else ()
        values = {"figures": [figure], "subflows": rows}
        return Section(name, title, "part_lanes.html", values, notes)

    return build


def _caption(clock: Clock, count: int, changed: Sequence[Change]) -> str:
    return CAPTION.format(
        step=f"{clock.step / 1e6:g} ms",
        hosts="the host that began the subflow",
        changes=" Dotted lines are changes of links, as the scenario made them." if changed else "",
        more=f" The first {lanes.MOST} of {count} subflows." if count > lanes.MOST else "",
    )


def _lane(
    seen: Seen, subflow: Subflow, said: tuple[Mapping[str, Told], Told], link: str
) -> lanes.Lane:
    mine = seen.analysis.flows.subflow == seen.stream(subflow.number)
    carried, events_of = said
    return lanes.Lane(
        subflow, link, seen.packets.time[mine], seen.packets.payload[mine].astype(np.int64),
        carried[seen.host].get(subflow.number, ()), events_of.get(subflow.number, ()),
    )  # fmt: skip


Told = Mapping[int, Sequence[Moment]]


def by_subflow(moments: Iterable[Moment]) -> Told:
    """Moments by the page's number of their subflow."""
    found: dict[int, list[Moment]] = {}
    for each in moments:
        found.setdefault(each.subflow, []).append(each)
    return found


def _link(subflow: Subflow, links: Mapping[str, str]) -> str:
    host = subflow.ends.initiator.rpartition(":")[0].strip("[]")
    return links.get(host, "")


def _row(found: Evidence, lane: lanes.Lane) -> tuple[Any, ...]:
    each, seen = lane.subflow, first_seen(found, lane.subflow)
    flows = seen.analysis.flows
    onward = flows.onward[flows.subflow == seen.stream(each.number)]
    kind = "initial" if each.initial else "no MPTCP" if not each.connection else "joined"
    way = f"{each.ends.initiator} > {each.ends.responder}"
    return (
        f"{each.number} {lane.link}".strip(), each.connection or "", way,
        kind + (", backup" if each.backup else ""), seen.host, len(lane.times),
        *(amount(int(lane.payload[rows].sum()), "byte") for rows in (onward, ~onward)),
    )  # fmt: skip
