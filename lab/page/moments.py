"""What the records of a run and the options of its captures say, each at its time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from lab.columns.mptcp import Flag, Subtype
from lab.columns.series import SECOND
from lab.columns.words import describe, rows
from lab.page.evidence import Evidence, Seen, Subflow

Record = Mapping[str, Any]


class Moment(NamedTuple):
    """Something that happened at one time."""

    time: int
    """Nanoseconds since the epoch."""
    word: str
    """As short as it can be."""
    subflow: int
    """The page's number; 0: of none, or of none that was captured."""


class Change(NamedTuple):
    """A change of the network, as the timeline made it."""

    began: int
    """Nanoseconds since the epoch."""
    words: str


def changes(records: Iterable[Record]) -> list[Change]:
    """Changes of the network, in their order; damaged records are left out."""
    found = []
    for record in records:
        made = record.get("made")
        began = made.get("began") if isinstance(made, dict) else None
        if record.get("kind") == "change" and isinstance(began, int | float):
            found.append(Change(round(began * SECOND), in_words(record.get("change"))))
    return sorted(found)


def in_words(change: object) -> str:
    """``Reshape(link='wifi', rate='3 Mbit/s')`` as ``Reshape wifi, rate 3 Mbit/s``."""
    text = str(change)
    call = re.fullmatch(r"(\w+)\((.*)\)", text, re.DOTALL)
    if not call:
        return text
    parts = [
        value if name in ("link", "where", "address") else f"{name} {value}"
        for name, value in re.findall(r"(\w+)='([^']*)'", call[2])
    ]
    return f"{call[1]} {', '.join(parts)}".strip()


EVENTS = {
    "CREATED": "created",
    "ESTABLISHED": "established",
    "CLOSED": "connection closed",
    "ANNOUNCED": "announced",
    "REMOVED": "removed",
    "SUB_ESTABLISHED": "established",
    "SUB_CLOSED": "closed",
    "SUB_PRIORITY": "priority",
}
"""Events of the kernel's path manager (include/uapi/linux/mptcp_pm.h) in a figure."""


def events(records: Iterable[Record], subflows: Iterable[Subflow]) -> Iterator[Moment]:
    """The kernel's events that are about a subflow of the page."""
    by_ends = {ends: each.number for each in subflows for ends in (each.ends, each.ends[::-1])}
    for record in records:
        event, word = record.get("event"), EVENTS.get(str(record.get("name")))
        if word and isinstance(event, dict) and isinstance(event.get("received"), int | float):
            ends = (_end(event.get("local")), _end(event.get("remote")))
            if ends in by_ends:
                yield Moment(round(event["received"] * SECOND), word, by_ends[ends])


def _end(value: Any) -> str:
    if not (isinstance(value, list) and len(value) == 2):
        return ""
    host, port = value
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


OPTIONS: dict[int, str] = {
    Subtype.MP_CAPABLE: "CAPABLE",
    Subtype.MP_JOIN: "JOIN",
    Subtype.ADD_ADDR: "ADD_ADDR",
    Subtype.REMOVE_ADDR: "REMOVE_ADDR",
    Subtype.MP_PRIO: "PRIO",
    Subtype.MP_FAIL: "FAIL",
    Subtype.MP_FASTCLOSE: "FASTCLOSE",
    Subtype.MP_TCPRST: "RST",
}
"""Without MP_, which they all have."""


def options(seen: Seen) -> Iterator[Moment]:
    """The options of a capture other than mappings and acknowledgments; and each DATA_FIN."""
    found, flows = seen.analysis.capture.options, seen.analysis.flows
    fin = (found.subtype == Subtype.DSS) & (found.flags & Flag.DATA_FIN != 0)
    for at in (fin | (found.subtype != Subtype.DSS)).nonzero()[0].tolist():
        packet = int(found.packet[at])
        word = "DATA_FIN" if fin[at] else OPTIONS.get(int(found.subtype[at]), "MPTCP")
        yield Moment(int(seen.packets.time[packet]), word, seen.numbers[int(flows.subflow[packet])])


def first_seen(evidence: Evidence, subflow: Subflow) -> Seen:
    """The capture that shows a subflow from its initiator's side; where none tells, any."""
    found = [each for each in evidence.seen if subflow.number in each.numbers]
    for each in found:
        flows = each.analysis.flows
        at = int((flows.subflow == each.stream(subflow.number)).argmax())
        if bool(flows.onward[at]) == (each.packets.outgoing[at] == 1):
            return each
    return found[0]


class Step(NamedTuple):
    """A packet of a ladder."""

    number: int
    """In the capture, as in Wireshark."""
    time: int
    onward: bool
    """Whether the subflow's initiator sent it."""
    flags: str
    meanings: tuple[str, ...]
    """Of its options, in words."""


def ladder(seen: Seen, subflow: Subflow) -> list[Step]:
    """The packets of a subflow that say more than data and acknowledgments."""
    found, flows = seen.analysis.capture.options, seen.analysis.flows
    packets, mine = seen.packets, flows.subflow == seen.stream(subflow.number)
    fin = (found.subtype == Subtype.DSS) & (found.flags & Flag.DATA_FIN != 0)
    telling = mine & (packets.flags & TELLING != 0)
    telling[found.packet[fin | (found.subtype != Subtype.DSS)]] = True
    telling &= mine
    meanings: dict[int, list[str]] = {}
    carried = found.take(telling[found.packet])
    for packet, row in zip(carried.packet.tolist(), rows(carried), strict=True):
        meanings.setdefault(packet, []).append(describe(row))
    return [
        Step(int(packets.number[at]), int(packets.time[at]), bool(flows.onward[at]),
             flags(int(packets.flags[at])), tuple(meanings.get(at, ())))
        for at in telling.nonzero()[0].tolist()
    ]  # fmt: skip


FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
TELLING = FIN | SYN | RST


def flags(bits: int) -> str:
    """The flags of a segment, as people write them; a bare ACK is none."""
    names = [name for name, bit in (("SYN", SYN), ("FIN", FIN), ("RST", RST)) if bits & bit]
    return "/".join([*names, "ACK"] if bits & ACK else names)
