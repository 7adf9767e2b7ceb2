"""What each kind of middlebox does to segments; Scapy builds them, and reads what became of them.

Reading checks every length and checksum."""

from __future__ import annotations

from typing import Any

import pytest
from middlebox_frames import (
    BACK,
    CAPABLE,
    MAPPING,
    STAMPS,
    THERE,
    back,
    line,
    outcome,
    payload,
    tcp,
    there,
)
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from lab.middlebox.box import Flows
from lab.middlebox.kinds import Declared
from lab.middlebox.line import Line
from lab.middlebox.segment import read
from lab.wire.mptcp import Dss, MpCapableSyn, MpJoinSyn

JOIN = ("MPTCP", MpJoinSyn(token=1, nonce=2))


def names(frame: bytes) -> list[Any]:
    """Names of the options, but padding."""
    return [name for name, _ in tcp(frame).options if name not in ("NOP", "EOL")]


@pytest.mark.parametrize("family", [4, 6])
def test_strip_pads(family: int) -> None:
    frame = there("S", options=[STAMPS, CAPABLE], family=family)
    (stripped,) = outcome(line(("strip", {"option": 30})), frame)
    assert names(stripped) == ["Timestamp"]
    assert len(stripped) == len(frame)


@pytest.mark.parametrize(
    ("origin", "expected"), [("syn", [[], [], ["MPTCP"]]), ("not-syn", [["MPTCP"], ["MPTCP"], []]),
                             ("all", [[], [], []])],
)  # fmt: skip
def test_strip_from(origin: str, expected: list[list[str]]) -> None:
    box = line(("strip", {"option": 30, "origin": origin}))
    seen = [outcome(box, there(flags, options=[CAPABLE])) for flags in ("S", "SA", "A")]
    assert [names(frame) for (frame,) in seen] == expected


def test_strip_one_subtype() -> None:
    box = line(("strip", {"option": 30, "subtype": "MP_JOIN"}))
    kept, gone = (outcome(box, there("S", options=[option])) for option in (CAPABLE, JOIN))
    assert (names(kept[0]), names(gone[0])) == (["MPTCP"], [])


@pytest.mark.parametrize(("after", "first"), [({"packets": 2}, 2), ({"payload": 150}, 3)])
def test_strip_after(after: dict[str, int], first: int) -> None:
    """The packet that reaches the amount is the last that passes unharmed."""
    box = line(("strip", {"option": 30, **after}))
    frames = [there("S", options=[CAPABLE])]
    frames += [there("A", bytes(100), options=[MAPPING], seq=1001 + 100 * i) for i in range(4)]
    stripped = [not names(outcome(box, frame)[0]) for frame in frames]
    assert stripped == [False] * first + [True] * (5 - first)


def test_what_is_counted_begins_anew_with_a_connection() -> None:
    box = line(("strip", {"option": 30, "packets": 1}))
    seqs = [1, 1, 9]  # the second is the first one, sent again
    seen = [names(outcome(box, there("S", seq=seq, options=[CAPABLE]))[0]) for seq in seqs]
    assert seen == [["MPTCP"], [], ["MPTCP"]]


@pytest.mark.parametrize("facing", [THERE, BACK])
def test_a_box_leaves_the_other_direction_alone(facing: int) -> None:
    frames = {THERE: there("S", options=[CAPABLE]), BACK: back("SA", options=[CAPABLE])}
    box = line(("strip", {"option": 30}), facing=facing)
    for direction, frame in frames.items():
        assert names(outcome(box, frame, direction)[0]) == (
            [] if direction == facing else ["MPTCP"]
        )
    assert box.acted == [1]


@pytest.mark.parametrize(("octet", "at"), [(None, -1), (3, 1), (2, 0)])
def test_alter(octet: int | None, at: int) -> None:
    """Octet 3 is that of the flags: 0 is the kind, and Scapy's value begins behind the length."""
    frame = there("A", b"data", options=[MAPPING])
    (altered,) = outcome(line(("alter", {"option": 30, "octet": octet})), frame)
    before, after = (bytearray(bytes(tcp(each).options[0][1])) for each in (frame, altered))
    before[at] ^= 1
    assert before == after


def test_alter_leaves_options_that_are_too_short() -> None:
    frame = there("S", options=[CAPABLE])
    assert outcome(line(("alter", {"option": 30, "octet": 4})), frame) == [frame]


def test_sequence_moves_what_it_sees() -> None:
    box = line(("sequence", {"offset": 2**32 - 500}))
    (syn,) = outcome(box, there("S", seq=100))
    (data,) = outcome(box, there("A", b"data", seq=101, ack=77))
    (ack,) = outcome(
        box,
        back("A", seq=77, ack=2**32 - 395, options=[("SAck", (2**32 - 390, 2**32 - 380))]),
        BACK,
    )
    assert tcp(syn).seq == 2**32 - 400
    assert (tcp(data).seq, tcp(data).ack) == (2**32 - 399, 77)
    assert (tcp(ack).seq, tcp(ack).ack) == (77, 105)
    assert tcp(ack).options[0] == ("SAck", (110, 120))


def test_sequence_may_forget_sack() -> None:
    box = line(("sequence", {"offset": 1000, "sack": False}))
    outcome(box, there("S", seq=100))
    (ack,) = outcome(box, back("A", ack=1105, options=[("SAck", (1110, 1120))]), BACK)
    assert tcp(ack).ack == 105
    assert tcp(ack).options[0] == ("SAck", (1110, 1120))


def test_sequence_at_random() -> None:
    """The same SYN is moved as before, another one otherwise; a flow without SYN is not."""
    box = line(("sequence", {}))
    assert tcp(outcome(box, there("A", seq=5))[0]).seq == 5
    first, again, other = (tcp(outcome(box, there("S", seq=s))[0]).seq - s for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(("which", "count"), [("all", 3), ("first", 1)])
def test_split(which: str, count: int, family: int) -> None:
    frame = there("FPA", bytes(range(250)), seq=7, options=[MAPPING], family=family)
    cut = outcome(line(("split", {"size": 100, "options": which})), frame)
    assert b"".join(map(payload, cut)) == bytes(range(250))
    assert [tcp(each).seq for each in cut] == [7, 107, 207]
    assert [str(tcp(each).flags) for each in cut] == ["A", "A", "FPA"]
    assert [bool(names(each)) for each in cut].count(True) == count
    assert names(cut[0]) == ["MPTCP"]


def test_split_leaves_what_is_small_and_syns() -> None:
    box = line(("split", {"size": 4}))
    for frame in (there("A", b"data"), there("S", b"more data")):
        assert outcome(box, frame) == [frame]


COALESCE = ("coalesce", {"size": 300, "wait": 1.0})


def test_coalesce() -> None:
    """The whole has the options of the first; it goes on when it is full, or has waited."""
    box = line(COALESCE)
    parts = [there("PA", bytes([i]) * 100, seq=1 + 100 * i, ack=i,
                   options=[("MPTCP", Dss(flags="M", dsn=i, ssn=1, data_level_length=1))])
             for i in range(4)]  # fmt: skip
    assert outcome(box, parts[0]) == outcome(box, parts[1]) == []
    (whole,) = outcome(box, parts[2])
    assert payload(whole) == b"".join(map(payload, parts[:3]))
    assert (tcp(whole).seq, tcp(whole).ack) == (1, 2)
    assert tcp(whole).options[0][1].dsn == 0

    assert outcome(box, parts[3], now=5.0) == []
    assert box.deadline == 6.0
    assert list(box.overdue(5.9)) == []
    assert list(box.overdue(6.0)) == [(THERE, parts[3])]
    assert box.deadline is None


@pytest.mark.parametrize("next_one", [
    there("PA", b"x" * 10, seq=500), there("A", seq=101), there("RA", seq=101),
    there("A", b"x" * 250, seq=101),
], ids=["gap", "pure-ack", "reset", "too-much"])  # fmt: skip
def test_coalesce_keeps_the_order(next_one: bytes) -> None:
    box = line(COALESCE)
    first = there("A", bytes(100), seq=1)
    assert outcome(box, first) == []
    sent = outcome(box, next_one)
    sent += [frame for _, frame in box.overdue(9.0)]
    assert sent == [first, next_one]


def test_coalesce_appends_the_end() -> None:
    box = line(COALESCE)
    outcome(box, there("A", b"data", seq=1))
    (whole,) = outcome(box, there("FA", seq=5))
    assert (payload(whole), str(tcp(whole).flags)) == (b"data", "FA")


def test_payload_of_the_same_length() -> None:
    (changed,) = outcome(
        line(("payload", {"text": "PORT 1", "other": "PORT 2"})), there("A", b"say PORT 1, PORT 1")
    )
    assert payload(changed) == b"say PORT 2, PORT 2"


@pytest.mark.parametrize("other", ["long text", "t"])
def test_payload_of_another_length(other: str) -> None:
    """What follows is moved, also when data comes again; acknowledgments are moved back."""
    box = line(("payload", {"text": "text", "other": other}))
    moves = len(other) - 4
    outcome(box, there("S", seq=2**32 - 10))
    start = 2**32 - 9
    first = there("PA", b"a text, a text", seq=start)
    for _ in range(2):
        cut = outcome(box, first)
        assert b"".join(map(payload, cut)) == f"a {other}, a {other}".encode()
        assert [tcp(each).seq for each in cut] == [
            (start + 14 * i) % 2**32 for i in range(len(cut))
        ]
        assert all(len(payload(each)) <= 14 for each in cut)
    (following,) = outcome(box, there("FA", b"end", seq=5))
    assert tcp(following).seq == (5 + 2 * moves) % 2**32

    arriving = (start, start + 2, start + 14 + 2 * moves, start + 18 + 2 * moves)
    acks = (back("A", ack=number % 2**32) for number in arriving)
    acked = [tcp(outcome(box, ack, BACK)[0]).ack for ack in acks]
    assert acked == [start, start + 2, 5, 9]


def test_payload_of_another_length_needs_the_beginning() -> None:
    frame = there("A", b"a text")
    assert outcome(line(("payload", {"text": "text", "other": ""})), frame) == [frame]


def test_drop() -> None:
    box = line(("drop", {"option": 30, "origin": "syn"}))
    plain, data = there("S", options=[STAMPS]), there("A", options=[CAPABLE])
    assert outcome(box, there("S", options=[CAPABLE])) == []
    assert [outcome(box, frame) for frame in (plain, data)] == [[plain], [data]]
    assert box.acted == [1]


@pytest.mark.parametrize("family", [4, 6])
def test_reset_answers_a_syn(family: int) -> None:
    """RFC 9293, section 3.10.7.1."""
    box = line(("reset", {"option": 30, "origin": "syn"}))
    ((way, frame),) = box.passes(
        there("S", seq=2**32 - 1, options=[CAPABLE], family=family), THERE, 0.0
    )
    assert way == BACK
    assert (str(tcp(frame).flags), tcp(frame).seq, tcp(frame).ack) == ("RA", 0, 0)
    assert (tcp(frame).sport, tcp(frame).dport) == (5001, 40000)


def test_reset_both_ends_after_a_while() -> None:
    box = line(("reset", {"packets": 1, "to": "both"}))
    outcome(box, there("S"))
    sent = dict(box.passes(there("PA", b"data", seq=1001, ack=9, options=[STAMPS]), THERE, 0.0))
    towards, returned = tcp(sent[THERE]), tcp(sent[BACK])
    assert (str(towards.flags), towards.seq, bytes(towards.payload)) == ("RA", 1001, b"")
    assert (str(returned.flags), returned.seq) == ("R", 9)
    reset = there("R")
    assert outcome(box, reset) == [reset]


def test_boxes_in_a_row() -> None:
    """Each direction meets its own in its order, and what is sent back passes those before."""
    two = [Declared("sequence", {"offset": 1000}), Declared("reset", {"packets": 1})]
    box = Line(two, [Declared("strip", {"option": 8}), Declared("split", {"size": 2})])
    assert tcp(outcome(box, there("S", seq=1))[0]).seq == 1001
    assert [payload(each) for each in outcome(box, back("A", b"data", options=[STAMPS]), BACK)] == [
        b"da", b"ta"]  # fmt: skip
    ((way, frame),) = box.passes(there("S", seq=1), THERE, 0.0)
    assert (way, tcp(frame).ack) == (BACK, 2)
    assert box.acted == [2, 1, 1, 1]


def test_a_value_is_read_as_it_was_built() -> None:
    """Scapy's pairs, which the cases above compare."""
    assert isinstance(tcp(there("S", options=[CAPABLE])).options[0][1], MpCapableSyn)


def test_a_box_remembers_so_many_flows() -> None:
    """What has been silent longest is forgotten, not what has only been heard from afar."""
    flows = Flows(0, most=2)
    segments = [
        read(bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=port, dport=80)))
        for port in (1, 2, 3)
    ]
    first, second, third = filter(None, segments)
    flows.keep(first, 1)
    flows.keep(second, 2)
    answer = read(bytes(Ether() / IP(src="10.0.0.2", dst="10.0.0.1") / TCP(sport=80, dport=1)))
    assert answer
    assert flows.against(answer) == 1
    flows.keep(third, 3)
    assert [flows.of(each) for each in (first, second, third)] == [1, 0, 3]


def test_payload_whose_segments_come_in_another_order() -> None:
    """Acknowledgments are moved by what is before them in the stream, not by what came before."""
    box = line(("payload", {"text": "text", "other": "longer text"}))
    outcome(box, there("S", seq=1000))
    outcome(box, there("A", b"a text", seq=1013))
    outcome(box, there("A", b"a text", seq=1007))
    outcome(box, there("A", b"a text", seq=1001))

    (answer,) = outcome(box, back("A", ack=1019 + 3 * 7), BACK)
    (middle,) = outcome(box, back("A", ack=1013 + 2 * 7), BACK)

    assert (tcp(answer).ack, tcp(middle).ack) == (1019, 1013)
