"""Mappings on one subflow: fixed, without gaps, for data that come (section 3.3.1)."""

from __future__ import annotations

from collections.abc import Iterator

from lab.verify.facts import Facts
from lab.verify.finding import Checked, Judgement, Unchecked, doubt, violation
from lab.verify.signal import near
from lab.verify.stream import Line, Sent

SECTION = "section 3.3.1"


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at each direction of each subflow by itself."""
    if facts.fallback:
        return
    for stream in facts.streams:
        for line in stream.lines:
            if line.fast_open:
                yield Unchecked(f"mappings of {line.subflow}", "data in the SYN have no mapping")
            elif line.isn is None:
                if line.mappings:
                    yield Unchecked(f"mappings of {line.subflow}", "its SYN was not captured")
            else:
                yield from _line(line)


def _line(line: Line) -> Iterator[Judgement]:
    yield from _fixed(line)
    yield from _covered(line)
    yield from _own(line)
    yield from _kept(line)
    yield from _after_the_last(line)
    yield Checked("mappings", len(line.mappings))


def _fixed(line: Line) -> Iterator[Judgement]:
    """Once mapped, an octet of the subflow keeps its place in the data."""
    last = None
    for mapped in line.mappings:
        if last and mapped.ssn < last.ssn + last.length:
            where = (mapped.packet.place, last.packet.place)
            if mapped.at - mapped.ssn != last.at - last.ssn:
                sentence = (
                    f"{line.subflow}: the mapping of octet {mapped.ssn} was changed, from data "
                    f"sequence number +{last.at + mapped.ssn - last.ssn} to +{mapped.at}"
                )
                yield violation(SECTION, sentence, *where)
            elif (mapped.ssn, mapped.length) != (last.ssn, last.length):
                sentence = (
                    f"{line.subflow}: the mapping of {mapped.length} octets from {mapped.ssn} "
                    f"overlaps that of {last.length} from {last.ssn}, and is no repetition"
                )
                yield doubt(SECTION, sentence, *where)
        if last is None or mapped.ssn + mapped.length > last.ssn + last.length:
            last = mapped


def _covered(line: Line) -> Iterator[Judgement]:
    """Every octet that is sent has a mapping, until one without an end."""
    unknown, known = 0, line.subflow.began and not line.lacks
    for sent in line.sent:
        at = _uncovered(line, sent)
        if at is None:
            continue
        if known and not sent.packet.segment.options_cut:
            sentence = f"{line.subflow}: no mapping covers octet {at}"
            yield violation(SECTION, sentence, sent.packet.place)
        else:
            unknown += 1
    if unknown:
        what = f"the data of {unknown} segments of {line.subflow}"
        yield Unchecked(what, "their mappings may not have been captured")


def _uncovered(line: Line, sent: Sent) -> int | None:
    """The first octet of a segment that no mapping has."""
    at, end = sent.ssn, sent.ssn + sent.length
    until = min((each.ssn for each in line.infinite), default=end)
    while at < min(end, until):
        mapped = line.mapping_of(at)
        if mapped is None:
            return at
        at = mapped.ssn + mapped.length
    return None


def _own(line: Line) -> Iterator[Judgement]:
    """A mapping may come with other data than its own, but Linux does not do so."""
    for sent in line.sent:
        mapping = sent.packet.signal and sent.packet.signal.mapping
        if not mapping or not mapping.ssn or not mapping.length:
            continue
        ssn = near(mapping.ssn, 32, sent.ssn)
        if not ssn - sent.length < sent.ssn < ssn + mapping.length:
            sentence = (
                f"{line.subflow}: the segment with octets from {sent.ssn} maps those from {ssn}"
            )
            yield doubt(SECTION, sentence, sent.packet.place)


def _after_the_last(line: Line) -> Iterator[Judgement]:
    """A mapping without an end is the last one; only a DATA_FIN has no place on the subflow."""
    until = min((each.ssn for each in line.infinite), default=None)
    for mapped in line.mappings:
        if until is not None and mapped.ssn > until:
            sentence = f"{line.subflow}: a mapping from {mapped.ssn} after one without an end"
            yield violation("section 3.7", sentence, mapped.packet.place)
        if not mapped.wire.ssn:
            sentence = f"{line.subflow}: a mapping with subflow sequence number 0, but no DATA_FIN"
            yield violation(SECTION, sentence, mapped.packet.place)


def _kept(line: Line) -> Iterator[Judgement]:
    """What is mapped is sent before the FIN."""
    if line.closed_at is None:
        return
    for mapped in line.mappings:
        if mapped.ssn + mapped.length > line.closed_at:
            sentence = (
                f"{line.subflow}: {mapped.length} octets are mapped from {mapped.ssn} on, but its "
                f"FIN comes at {line.closed_at}"
            )
            yield violation(SECTION, sentence, mapped.packet.place)
