"""Data acknowledgments: of data that were sent, and never going back (section 3.3.2)."""

from __future__ import annotations

from collections.abc import Iterator

from lab.verify.facts import Facts
from lab.verify.finding import Checked, Judgement, doubt, violation
from lab.verify.stream import Acknowledged, Stream

SECTION = "section 3.3.2"
HALF_32, FULL_32 = 1 << 31, 1 << 32


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at the acknowledgments of what A sends, and of what B sends."""
    if facts.fallback:
        return
    for stream in facts.streams:
        yield Checked("data acknowledgments", sum(map(len, stream.acknowledged)))
        for seen in stream.acknowledged:
            yield from _monotonic(seen)
        if stream.by_key and not stream.fell_back:
            yield from _of_sent_data(facts, stream)


def _monotonic(seen: list[Acknowledged]) -> Iterator[Judgement]:
    """On one subflow none is less than one before, unless the network changed their order."""
    highest = None
    for each in seen:
        if highest and each.at < highest.at and _later(each, highest):
            sentence = f"the data acknowledgment went back from +{highest.at} to +{each.at}"
            yield violation(SECTION, sentence, each.packet.place, highest.packet.place)
        if highest is None or each.at > highest.at:
            highest = each


def _later(one: Acknowledged, other: Acknowledged) -> bool:
    """Whether the first was certainly sent after the second, which was captured before it."""
    segment, before = one.packet.segment, other.packet.segment
    if segment.outgoing and before.outgoing:
        return True
    numbers = (_ahead(segment.seq, before.seq), _ahead(segment.ack, before.ack))
    return min(numbers) >= 0 and max(numbers) > 0


def _ahead(one: int, other: int) -> int:
    return (one - other + HALF_32) % FULL_32 - HALF_32


def _of_sent_data(facts: Facts, stream: Stream) -> Iterator[Judgement]:
    complete, end = facts.connection.complete and not stream.lacks, stream.end
    # A DATA_FIN without data leaves no gap in the captures that lack it.
    fin_unseen = not any(line.fins for line in stream.lines)
    for each in (each for seen in stream.acknowledged for each in seen):
        if each.at < 0:
            sentence = f"the data acknowledgment +{each.at} lies before the first octet"
            yield violation(SECTION, sentence, each.packet.place)
        elif each.at > end:
            sentence = f"the data acknowledgment +{each.at} is of data that no mapping has"
            sentence += f" (they end at +{end})"
            certain = complete and not (fin_unseen and each.at == end + 1)
            yield (violation if certain else doubt)(SECTION, sentence, each.packet.place)
