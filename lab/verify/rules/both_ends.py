"""A packet that was captured at both hosts has the same options at both (section 6).

Where a capture tells directions, what arrives at one host is looked up among what the other one has
sent. Keys prove some fields of some options; of all others, as the backup bits and the reason of a
reset, only this tells that something on the way has changed them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lab.verify.facts import Facts
from lab.verify.finding import Checked, Judgement, doubt
from lab.verify.subflow import Packet, Subflow, View
from lab.wire import mptcp
from lab.wire.segment import Endpoint

SECTION = "section 6"


class _Key(NamedTuple):
    """What two captures of one packet have in common, besides its ends."""

    flags: int
    seq: int
    ack: int
    window: int
    payload: int


def judge(facts: Facts) -> Iterator[Judgement]:
    """Compare every capture at a sender with every one elsewhere."""
    compared = 0
    for subflow in facts.connection.subflows:
        for sender in (subflow.initiator, subflow.responder):
            for packet, sent in _pairs(subflow, sender):
                compared += 1
                if _options(packet) not in map(_options, sent):
                    sentence = (
                        f"{subflow}: the options changed on the way, from {_words(sent[0])} to "
                        f"{_words(packet)}"
                    )
                    yield doubt(SECTION, sentence, packet.place, sent[0].place)
    yield Checked("packets compared with what was sent", compared)


def _pairs(subflow: Subflow, sender: Endpoint) -> Iterator[tuple[Packet, list[Packet]]]:
    """Yield what arrived, and what was sent with the same numbers.

    Bare acknowledgments repeat their numbers. If fewer were sent than arrived, the sender's capture
    lacks some, and what one of them said is not known.
    """
    for there in subflow.views:
        sent = _by_key(there, sender, outgoing=True)
        for here in subflow.views if sent else ():
            if here.file != there.file:
                for key, arrived in _by_key(here, sender, outgoing=False).items():
                    if len(arrived) <= len(sent.get(key, ())):
                        yield from ((packet, sent[key]) for packet in arrived)


def _by_key(view: View, sender: Endpoint, *, outgoing: bool) -> dict[_Key, list[Packet]]:
    """Sort the packets of a host; none, if not all of them went that way, as at a router."""
    found: dict[_Key, list[Packet]] = {}
    for packet in view.packets:
        segment = packet.segment
        if segment.source == sender:
            if segment.outgoing is not outgoing or segment.options_cut:
                return {}
            key = _Key(packet.flags, segment.seq, segment.ack, segment.window, segment.payload)
            found.setdefault(key, []).append(packet)
    return found


def _options(packet: Packet) -> list[bytes]:
    return mptcp.values(packet.segment.options)


def _words(packet: Packet) -> str:
    said = (f"{mptcp.label(value)} {value.hex()}" for value in _options(packet))
    return " and ".join(said) or "none"
