"""Options as such: malformed, reserved bits set, on a wrong segment (section 3)."""

from __future__ import annotations

from collections.abc import Iterator

from lab.verify.facts import Facts
from lab.verify.finding import Checked, Judgement, Unchecked, doubt, violation
from lab.verify.signal import Signal
from lab.verify.subflow import SYN, Packet
from lab.wire import mptcp
from lab.wire.mptcp import Subtype

ON_SYN = (Subtype.MP_CAPABLE, Subtype.MP_JOIN)
"""The only options of a SYN and a SYN/ACK."""


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at every option of every packet."""
    seen = cut = 0
    for _, packet in facts.connection.packets():
        cut += packet.segment.options_cut
        seen += len(packet.others)
        for value in packet.others:
            yield from _option(packet, value)
        if packet.signal:
            seen += 1
            yield from _signal(packet, packet.signal)
    yield Checked("MPTCP options", seen)
    if cut:
        yield Unchecked(f"options of {cut} packets", "the capture has only a part of them")


def _option(packet: Packet, value: bytes) -> Iterator[Judgement]:
    subtype = value[0] >> 4
    layer = mptcp.layer_for(value)
    if layer is mptcp.MptcpOption:
        name = mptcp.label(value)
        if subtype in mptcp.FORMS:
            length = len(value) + 2
            yield violation("section 3", f"{name} with length {length}", packet.place)
        else:
            yield doubt("section 7.2", f"an option of unassigned {name}", packet.place)
    elif packet.segment.syn and subtype not in ON_SYN:
        yield violation("section 3", f"{layer.__name__} on a segment with SYN", packet.place)
    elif layer is mptcp.Dss:
        yield violation("section 3.3", "a second DSS in one segment", packet.place)
    else:
        yield from _reserved(packet, mptcp.MptcpOption(value))


def _reserved(packet: Packet, option: mptcp.MptcpOption) -> Iterator[Judgement]:
    if getattr(option, "reserved", 0):
        sentence = (
            f"{type(option).__name__} has reserved bits {option.reserved:#x}, to be sent as 0"
        )
        yield violation("section 3", sentence, packet.place)


def _signal(packet: Packet, signal: Signal) -> Iterator[Judgement]:
    if packet.flags & SYN:
        yield violation("section 3", "Dss on a segment with SYN", packet.place)
    if signal.reserved:
        sentence = f"DSS has reserved bits {signal.reserved:#x}, to be sent as 0"
        yield violation("section 3.3", sentence, packet.place)
    if signal.without_field:
        sentence = f"DSS has the flag {signal.without_field} without the field that it is about"
        yield doubt("section 3.3", sentence, packet.place)
    if signal.fin and not signal.mapping:
        sentence = "DSS has DATA_FIN without a mapping, so that its place is unknown"
        yield violation("section 3.3.3", sentence, packet.place)
