"""The data of one direction over all subflows: no hole, one content, one end (section 3.3)."""

from __future__ import annotations

from collections.abc import Iterator

from lab.verify.facts import Facts
from lab.verify.finding import Checked, Judgement, Place, Unchecked, doubt, violation
from lab.verify.stream import Mapped, Sent, Stream


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at what A sends, and at what B sends."""
    if facts.fallback:
        return
    for stream in facts.streams:
        if not any(stream.mappings()):
            continue
        if not stream.by_key:
            yield Unchecked("where the data begin", "no capture has the sender's key")
        else:
            yield from _beginning(facts, stream)
            yield from _holes(facts, stream)
        yield from _counts(stream)
        yield from _order(stream)
        yield from _end(stream)
        yield from _content(stream)


def _sorted(stream: Stream, *, fins: bool = False) -> list[Mapped]:
    """The mappings in the order of the data; a DATA_FIN counts for one octet if asked for."""
    found = list(stream.mappings())
    if fins:
        found += [fin._replace(length=1) for line in stream.lines for fin in line.fins]
    return sorted(found, key=lambda mapped: (mapped.at, -mapped.length))


def _counts(stream: Stream) -> Iterator[Judgement]:
    octets = end = 0
    for mapped in _sorted(stream):
        octets += max(0, mapped.end - max(end, mapped.at))
        end = max(end, mapped.end)
    yield Checked("octets of data", octets)
    yield Checked("octets mapped again", sum(m.length for m in stream.mappings()) - octets)


def _beginning(facts: Facts, stream: Stream) -> Iterator[Judgement]:
    """The first octet has the number after the IDSN, which is the key's hash."""
    first = _sorted(stream)[0]
    if first.at < 0 or (first.at > 0 and facts.connection.complete and not stream.lacks):
        sentence = (
            f"the first octet has data sequence number +{first.at}, counted from the IDSN plus 1"
        )
        yield violation("section 3.1", sentence, first.packet.place)


def _holes(facts: Facts, stream: Stream) -> Iterator[Judgement]:
    """What was acknowledged was mapped."""
    reached = max((each.at for seen in stream.acknowledged for each in seen), default=0)
    end, last = 0, None
    judge_hole = violation if facts.connection.complete and not stream.lacks else doubt
    for mapped in _sorted(stream, fins=True):
        if mapped.at > end and reached > end:
            sentence = (
                f"data +{end} to +{mapped.at} were acknowledged, but no mapping has them: there is "
                "a hole"
            )
            yield judge_hole("section 3.3.2", sentence, mapped.packet.place, *_place(last))
        end, last = max(end, mapped.end), mapped


def _place(mapped: Mapped | None) -> tuple[Place, ...]:
    return (mapped.packet.place,) if mapped else ()


def _order(stream: Stream) -> Iterator[Judgement]:
    """New data go out in their order, on each subflow: only what is sent again goes back.

    A receiver may never see what was sent first, so this is asked of the sender's captures, and of
    connections with one subflow.
    """
    alone = sum(bool(line.mappings) for line in stream.lines) == 1
    again = _again(stream)
    for line in stream.lines:
        end = 0
        for mapped in line.mappings:
            back = mapped.at < end and (alone or mapped.packet.segment.outgoing)
            if back and mapped not in again:
                sentence = (
                    f"{line.subflow}: data +{mapped.at} come after +{end - 1}, for the first time"
                )
                yield doubt("section 3.3.1", sentence, mapped.packet.place)
            end = max(end, mapped.end)


def _again(stream: Stream) -> set[Mapped]:
    """The mappings that share data with another one."""
    found: set[Mapped] = set()
    last = None
    for mapped in _sorted(stream):
        if last and mapped.at < last.end:
            found |= {mapped, last}
        if last is None or mapped.end > last.end:
            last = mapped
    return found


def _end(stream: Stream) -> Iterator[Judgement]:
    """DATA_FIN has one place, behind all data (section 3.3.3)."""
    fins = [fin for line in stream.lines for fin in line.fins]
    if not fins:
        return
    first = fins[0]
    for fin in fins:
        if fin.at != first.at:
            sentence = f"DATA_FIN stands at +{fin.at}, before it stood at +{first.at}"
            yield violation("section 3.3.3", sentence, fin.packet.place, first.packet.place)
        if fin.wire.length == 1 and fin.wire.ssn:
            sentence = f"DATA_FIN without data has subflow sequence number {fin.wire.ssn}, not 0"
            yield violation("section 3.3.3", sentence, fin.packet.place)
    for mapped in stream.mappings():
        if mapped.end > first.at:
            sentence = f"data up to +{mapped.end} are mapped, DATA_FIN stands at +{first.at}"
            yield violation("section 3.3.3", sentence, mapped.packet.place, first.packet.place)
    yield Checked("DATA_FINs", 1)


def _content(stream: Stream) -> Iterator[Judgement]:
    """What is sent twice has the same octets both times (section 3.3.1)."""
    last: tuple[int, Sent, bytes] | None = None
    for at, sent, octets in sorted(_pieces(stream), key=lambda piece: piece[0]):
        if last and at < last[0] + len(last[2]):
            skip = at - last[0]
            length = min(len(octets), len(last[2]) - skip)
            if octets[:length] != last[2][skip : skip + length]:
                sentence = f"the data at +{at} were sent with other octets before"
                yield violation("section 3.3.1", sentence, sent.packet.place, last[1].packet.place)
        if last is None or at + len(octets) > last[0] + len(last[2]):
            last = (at, sent, octets)


def _pieces(stream: Stream) -> Iterator[tuple[int, Sent, bytes]]:
    """What was captured of the data, with its place, as far as one mapping goes."""
    for line in stream.lines:
        for sent in line.sent:
            mapped = line.mapping_of(sent.ssn)
            if mapped and sent.packet.segment.data:
                skip = sent.ssn - mapped.ssn
                octets = sent.packet.segment.data[: mapped.length - skip]
                yield mapped.at + skip, sent, octets
