"""DSS checksums, computed again from the captured data (section 3.3.1)."""

from __future__ import annotations

from collections.abc import Iterator

from lab.verify.facts import Facts
from lab.verify.finding import Checked, Judgement, Unchecked, violation
from lab.verify.signal import FULL_64
from lab.verify.stream import Line, Mapped, Stream
from lab.wire.checksum import checksum as of_mapping

SECTION = "section 3.3.1"


def judge(facts: Facts) -> Iterator[Judgement]:
    """Look at all mappings: a checksum is there if it was agreed upon, and then it is right.

    A fallback puts an end to what was agreed upon, but a wrong checksum may be its cause.
    """
    for stream in facts.streams:
        if not facts.fallback:
            yield from _agreed(facts, stream)
        yield from _right(stream)


def _agreed(facts: Facts, stream: Stream) -> Iterator[Judgement]:
    if facts.checksums is None:
        return
    for mapped in _all(stream):
        if (mapped.checksum is not None) is not facts.checksums:
            has = (
                "has no checksum, but they were"
                if facts.checksums
                else "has a checksum, but none was"
            )
            yield violation(
                SECTION, f"the mapping of +{mapped.at} {has} agreed upon", mapped.packet.place
            )


def _all(stream: Stream) -> Iterator[Mapped]:
    for line in stream.lines:
        yield from line.mappings
        yield from (fin for fin in line.fins if not fin.wire.length - 1)


def _right(stream: Stream) -> Iterator[Judgement]:
    checked = lacking = 0
    for line in stream.lines:
        for mapped, octets in _with_data(line):
            if octets is None:
                lacking += 1
                continue
            checked += 1
            expected = checksum(stream, mapped, octets)
            if mapped.checksum not in (None, expected):
                sentence = (
                    f"the checksum of the data at +{mapped.at} is {mapped.checksum:#06x}, expected "
                    f"{expected:#06x}"
                )
                yield violation(SECTION, sentence, mapped.packet.place)
    yield Checked("DSS checksums", checked)
    if lacking:
        yield Unchecked(f"{lacking} DSS checksums", "the data were not captured as a whole")


def _with_data(line: Line) -> Iterator[tuple[Mapped, bytes | None]]:
    """Each mapping that has a checksum, with the octets that it covers if they were captured."""
    sent: dict[int, bytes] | None = None
    for fin in line.fins:
        if fin.checksum is not None and fin.wire.length == 1:
            yield fin, b""
    for mapped in line.mappings:
        if mapped.checksum is None:
            continue
        if sent is None:
            sent = _captured(line)
        yield mapped, _octets(sent, mapped)


def _captured(line: Line) -> dict[int, bytes]:
    """What was captured of the subflow, by the place of its first octet; the longest of each."""
    found: dict[int, bytes] = {}
    for sent in line.sent:
        data = sent.packet.segment.data
        if len(data) == sent.length > len(found.get(sent.ssn, b"")):
            found[sent.ssn] = data
    return found


def _octets(sent: dict[int, bytes], mapped: Mapped) -> bytes | None:
    """Put the segments of a mapping together; None if one is missing, or they are not aligned."""
    octets = b""
    while len(octets) < mapped.length:
        piece = sent.get(mapped.ssn + len(octets))
        if not piece:
            return None
        octets += piece
    return octets[: mapped.length]


def checksum(stream: Stream, mapped: Mapped, octets: bytes) -> int:
    """Return the checksum that a mapping of these data has."""
    dsn = ((stream.base or 0) + mapped.at) % FULL_64
    return of_mapping(dsn, mapped.wire.ssn, mapped.wire.length, octets)
