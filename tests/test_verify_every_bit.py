"""Every bit of every MPTCP option of the recorded captures is changed, one at a time.

Whatever remains "verified" with the same counts must be in ``NOT_PROVABLE``, with the reason: some
300 of the 26,000 bits in every run, drawn with a seed; all with ``--fuzz`` (minutes).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from capture_edit import DATA, Editable

from lab.verify import Report, Verdict, verify
from lab.wire import mptcp
from lab.wire.mptcp import MptcpOption
from lab.wire.segment import decode

NAMES = sorted(path.stem for path in DATA.glob("*.pcap"))


class Flip(NamedTuple):
    """A bit of an option: of which packet, and what the option was and is."""

    frame: int
    octet: int
    mask: int
    before: Any
    after: Any

    @property
    def fields(self) -> tuple[str, str]:
        """The names of the layer and of the field that differs."""
        kind = type(self.before)
        if kind is not type(self.after):
            return kind.__name__, "form"
        names = [field.name for field in kind.fields_desc]
        name = next(
            n for n in names if getattr(self.before, n, None) != getattr(self.after, n, None)
        )
        return kind.__name__, name


def within(octets: int) -> Callable[[Flip], bool]:
    return lambda flip: abs(flip.after.data_ack - flip.before.data_ack) <= octets


def flag(*letters: str) -> Callable[[Flip], bool]:
    return lambda flip: str(flip.after.flags ^ flip.before.flags) in letters


def always(_: Flip) -> bool:
    return True


NOT_PROVABLE: dict[tuple[str, str], tuple[Callable[[Flip], bool], str]] = {
    ("Dss", "data_ack"): (within(8192), "a host may acknowledge any part of what has come"),
    ("Dss", "data_level_length"): (always, "data may be announced that are never sent"),
    ("MpJoinSyn", "address_id"): (always, "no key proves the id, and any unused one will do"),
    ("MpJoinSyn", "backup"): (always, "no key proves it, and the sender may do as it likes"),
    ("MpJoinSynAck", "backup"): (always, "the same"),
    ("MpPrio", "backup"): (always, "the same"),
    ("MpTcpRst", "flags"): (flag("T"), "only the sender knows whether the cause will pass"),
    ("MpTcpRst", "reason"): (always, "only the sender knows the reason"),
    ("MpCapableSyn", "flags"): (flag("A", "C"), "of checksums the other SYN's flag is enough; C "
                                "says that no join is taken, and none was tried"),
    ("MpCapableSynAck", "flags"): (flag("A", "C"), "the same"),
}  # fmt: skip
"""What a capture of one host cannot prove; ``both_ends`` tells it from the captures of both."""


def flips(capture: Editable) -> Iterator[Flip]:
    """Yield every bit of every option's value."""
    for index, frame in enumerate(capture.frames):
        segment = decode(bytes(frame), capture.link_type, index + 1, 0.0)
        for value in mptcp.values(segment.options) if segment else ():
            at = bytes(frame).index(bytes([30, len(value) + 2]) + value) + 2
            for bit in range(8 * len(value)):
                octets, mask = bytearray(value), 0x80 >> bit % 8
                octets[bit // 8] ^= mask
                yield Flip(
                    index, at + bit // 8, mask, MptcpOption(value), MptcpOption(bytes(octets))
                )


def said(report: Report) -> list[tuple[dict[str, int], int]]:
    """The counts of each connection, and how many findings there are."""
    return [(each.checked, len(each.findings)) for each in report.connections]


@pytest.mark.parametrize("name", NAMES)
def test_no_changed_bit_leaves_the_same_verdict(name: str, request: pytest.FixtureRequest) -> None:
    capture = Editable(name)
    unchanged = verify([capture.capture()])
    assert unchanged.verdict is Verdict.VERIFIED
    chosen = list(flips(capture))
    if not request.config.getoption("fuzz"):
        chosen = random.Random(name).sample(chosen, min(len(chosen), 60))  # noqa: S311
    missed = []
    for flip in chosen:
        capture.frames[flip.frame][flip.octet] ^= flip.mask
        report = verify([capture.capture()])
        capture.frames[flip.frame][flip.octet] ^= flip.mask
        if report.verdict is Verdict.VERIFIED and said(report) == said(unchanged):
            excused, _ = NOT_PROVABLE.get(flip.fields, (None, ""))
            if not (excused and excused(flip)):
                missed.append((flip.frame + 1, *flip.fields, flip.before, flip.after))

    assert not missed, missed[:10]
