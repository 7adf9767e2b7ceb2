"""The part of a run's page that shows what happened when: swim lanes, and who is who."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lab.page import lanes
from lab.page.clock import Clock
from lab.page.evidence import Evidence, Subflow
from lab.page.legend import Drawn, of_subflows
from lab.page.moments import Change, Record, events, first_seen, options
from lab.page.section import Section
from lab.statistic import amount

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
        said = [*events(records, found.subflows)]
        drawn = [_lane(found, each, said, _link(each, links)) for each in found.subflows]
        if not drawn:
            return Section(name, title, notes=("no capture shows a TCP connection",))
        figure = Drawn(
            "figure-lanes", "Subflows, events, options, and changes of links",
            lanes.lanes(clock, drawn, changed), _caption(clock, drawn, changed),
            of_subflows("lanes-key", found.subflows[: lanes.MOST]),
        )  # fmt: skip
        rows = [_row(found, lane) for lane in drawn]
        return Section(name, title, "part_lanes.html", {"figures": [figure], "subflows": rows})

    return build


def _caption(clock: Clock, drawn: Sequence[lanes.Lane], changed: Sequence[Change]) -> str:
    left = len(drawn) - lanes.MOST
    return CAPTION.format(
        step=f"{clock.step / 1e6:g} ms",
        hosts="the host that began the subflow",
        changes=" Dotted lines are changes of links, as the scenario made them." if changed else "",
        more=f" The first {lanes.MOST} of {len(drawn)} subflows." if left > 0 else "",
    )


def _lane(found: Evidence, subflow: Subflow, said: Sequence[Any], link: str) -> lanes.Lane:
    seen = first_seen(found, subflow)
    mine = seen.analysis.flows.subflow == seen.stream(subflow.number)
    return lanes.Lane(
        subflow, link, seen.packets.time[mine], seen.packets.payload[mine].astype(np.int64),
        [each for each in options(seen) if each.subflow == subflow.number],
        [each for each in said if each.subflow == subflow.number],
    )  # fmt: skip


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
        *(amount(int(lane.payload[rows].sum()), "bytes") for rows in (onward, ~onward)),
    )  # fmt: skip
