"""Which subflow carried what: connections of which every octet is known."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_connection import CLIENT_KEY, FIRST, LTE, SERVER_KEY, SYN, SYN_ACK, WIFI, Wire

from lab import columns
from lab.columns.analysis import Analysis
from lab.columns.capture import Capture, decoded
from lab.columns.groups import before, codes, first_seen, unwrapped
from lab.columns.series import SECOND, handovers, series

DATA = Path(__file__).parent / "data"


@pytest.fixture(params=[100, 0xFFFFFF00], ids=["", "numbers wrap"])
def wire(request: pytest.FixtureRequest) -> Wire:
    made = Wire(request.param)
    made.open()
    return made


def rows(table) -> list[dict]:
    return [{n: c[at].item() for n, c in table.columns()} for at in range(len(table))]


def sums(analysis: Analysis, *names: str) -> list[tuple]:
    found = series(analysis.sent)
    return [tuple(getattr(found, name)[at].item() for name in names) for at in range(len(found))]


def test_a_join_belongs_to_the_connection_of_its_token(wire: Wire) -> None:
    wire.join(1.1, backup=True)
    analysis = wire.analysis()

    initial, joined = analysis.subflows
    assert (initial.connection, initial.master, initial.backup) == (0, True, False)
    assert (joined.connection, joined.master, joined.backup) == (0, False, True)
    assert analysis.ends()[1] == ("10.0.2.1:40001", "10.0.9.1:5000")


def test_version_0_has_its_tokens_from_sha_1() -> None:
    wire = Wire()
    wire.put(1.0, WIFI, f"0001{CLIENT_KEY:016x}", flags=SYN)
    wire.put(1.1, WIFI, f"0001{SERVER_KEY:016x}", flags=SYN_ACK, back=True)
    token = hashlib.sha1(SERVER_KEY.to_bytes(8), usedforsecurity=False).hexdigest()[:8]
    wire.put(1.2, LTE, f"1007{token}0badcafe", flags=SYN)

    assert [each.connection for each in wire.analysis().subflows] == [0, 0]


def test_the_same_ports_again_are_another_subflow(wire: Wire) -> None:
    again = Wire(wire.isn + 5000)
    again.open()
    wire.put(1.001, WIFI, "0101", seq=0, ack=0, flags=SYN)  # a retransmission is not
    wire.frames += [(time + 9, frame) for time, frame in again.frames]

    assert len(wire.analysis().subflows) == 2


def test_new_reinjected_and_retransmitted_octets(wire: Wire) -> None:
    wire.join(1.05)
    wire.data(2.0, WIFI, 0, 1000, 1)
    wire.data(2.1, WIFI, 1000, 1000, 1001)
    wire.data(2.2, WIFI, 1000, 1000, 1001)  # retransmitted
    wire.data(2.3, LTE, 500, 1000, 1)  # 500 of one, 500 of the other: reinjected
    wire.data(2.4, LTE, 1500, 1000, 1001)  # half of it new
    wire.data(2.5, LTE, 1500, 1000, 1001)  # now its own
    names = ("subflow", "payload", "first", "reinjected", "retransmitted", "unmapped")

    assert sums(wire.analysis(), *names) == [
        (0, 3000, 2000, 0, 1000, 0),
        (1, 3000, 500, 1500, 1000, 0),
    ]


def test_data_below_what_was_seen_comes_out_of_order(wire: Wire) -> None:
    wire.join(1.05)
    wire.data(2.0, WIFI, 1000, 1000, 1)
    wire.data(2.1, LTE, 0, 700, 1)
    wire.data(2.2, LTE, 700, 300, 701)
    wire.data(2.3, LTE, 0, 700, 1)  # not new any more
    wire.data(2.4, WIFI, 2000, 1000, 1001)

    assert sums(wire.analysis(), "subflow", "out_of_order") == [(0, 0), (1, 1000)]


def test_a_mapping_of_several_segments(wire: Wire) -> None:
    """A split packet repeats its mapping, or only its first segment has it."""
    mapping = struct.pack("!QIH", FIRST, 1, 3000).hex()
    for at in (0, 1000):
        wire.put(2 + at, WIFI, "200c" + mapping, seq=1 + at, payload=1000)
    wire.put(5, WIFI, "", seq=2001, payload=1000)
    wire.put(6, WIFI, "", seq=3001, payload=1000)

    assert sums(wire.analysis(), "payload", "first", "unmapped") == [(4000, 3000, 1000)]


def test_mp_capable_maps_the_first_octets(wire: Wire) -> None:
    value = f"0101{CLIENT_KEY:016x}{SERVER_KEY:016x}0064"
    wire.put(2.0, WIFI, value, payload=100)
    wire.data(2.1, WIFI, 100, 100, 101)
    wire.data(2.2, LTE, 0, 100, 1)
    wire.join(1.0)
    found = wire.analysis()

    assert found.mappings.dsn.tolist() == [FIRST, FIRST + 100, FIRST]
    assert sums(found, "subflow", "first", "reinjected") == [(0, 200, 0), (1, 0, 100)]


def test_a_version_without_a_known_hash_names_no_data() -> None:
    wire = Wire()
    wire.open()
    value = f"0201{CLIENT_KEY:016x}{SERVER_KEY:016x}0064"
    wire.put(2.0, WIFI, value, payload=100)
    found = wire.analysis()

    assert found.mappings.dsn.tolist() == []
    assert sums(found, "first", "unmapped") == [(0, 100)]


def test_a_data_fin_is_not_an_octet_of_data(wire: Wire) -> None:
    mapping = struct.pack("!QIH", FIRST, 1, 101).hex()
    wire.put(2.0, WIFI, "201c" + mapping, payload=100)
    found = wire.analysis()

    assert rows(found.mappings)[0]["length"] == 100
    assert sums(found, "first", "unmapped") == [(100, 0)]


def test_an_infinite_mapping_has_no_end(wire: Wire) -> None:
    mapping = struct.pack("!QIH", FIRST, 1, 0).hex()
    wire.put(2.0, WIFI, "200c" + mapping, payload=1000)
    wire.put(2.1, WIFI, "", seq=1_000_001, payload=1000)

    assert sums(wire.analysis(), "first", "unmapped") == [(2000, 0)]


def test_rtt_is_the_time_to_the_acknowledgment_that_covers(wire: Wire) -> None:
    wire.data(2.00, WIFI, 0, 1000, 1)
    wire.data(2.01, WIFI, 1000, 1000, 1001)
    wire.acked(2.05, WIFI, 1001)
    wire.data(2.06, WIFI, 2000, 1000, 2001)
    wire.data(2.07, WIFI, 2000, 1000, 2001)
    wire.acked(2.08, WIFI, 3001)
    wire.data(2.09, WIFI, 3000, 1000, 3001)

    found = wire.analysis().sent.rtt
    assert found.tolist() == [50_000_000, 70_000_000, -1, -1, -1]
    assert series(wire.analysis().sent).rtt.tolist() == [0.06]


def test_goodput_in_steps_of_time(wire: Wire) -> None:
    for n in range(10):
        wire.data(2 + n / 10, WIFI, 1000 * n, 1000, 1 + 1000 * n)
    wire.data(3.25, WIFI, 0, 1000, 1)

    found = series(wire.analysis().sent, SECOND // 2)
    assert (found.start - 2 * SECOND).tolist() == [0, SECOND // 2, SECOND]
    assert found.goodput.tolist() == [80_000, 80_000, 0]


def test_a_hand_over_and_its_gap(wire: Wire) -> None:
    wire.hand_over()

    assert rows(handovers(wire.analysis().sent)) == [
        {"connection": 0, "forward": True, "before": 0, "after": 1,
         "time": 2_900_000_000, "gap": 400_000_000}
    ]  # fmt: skip


def test_sharing_the_load_and_ending_are_no_hand_overs(wire: Wire) -> None:
    wire.join(1.05)
    for n in range(20):
        wire.data(2 + n / 5, WIFI, 2000 * n, 1000, 1 + 1000 * n)
        wire.data(2.1 + n / 5, LTE, 2000 * n + 1000, 1000, 1 + 1000 * n)

    assert len(handovers(wire.analysis().sent)) == 0
    assert len(handovers(wire.analysis().sent, quiet=SECOND // 20)) > 10


def test_chunks_give_the_same(wire: Wire) -> None:
    wire.join(1.05)
    for n in range(40):
        wire.data(2 + n / 5, (WIFI, LTE)[n % 3 == 0], 700 * n, 1000, 1 + 1000 * n)
        wire.acked(2.1 + n / 5, WIFI, 1001 + 1000 * n)

    whole, parts = wire.analysis(), wire.analysis(at_most=3)
    for one, other in ((whole.sent, parts.sent), (whole.mappings, parts.mappings)):
        for (name, column), (_, expected) in zip(one.columns(), other.columns(), strict=True):
            assert np.array_equal(column, expected), name


def test_a_capture_of_the_kernel() -> None:
    analysis = Analysis.of(columns.read(DATA / "join_prio_v4.pcap"))

    assert [each.connection for each in analysis.subflows] == [0, 0, 0]
    assert sums(analysis, "onward", "first", "unmapped") == [(False, 300, 0), (True, 1800, 0)]


def test_plain_tcp_is_no_connection(wire: Wire) -> None:
    wire.frames.clear()
    wire.put(1.0, WIFI, "", payload=100)

    assert wire.analysis().flows.connection.tolist() == [-1]
    assert len(wire.analysis().sent) == 0


def test_an_empty_capture() -> None:
    analysis = Wire().analysis()

    assert (len(series(analysis.sent)), len(handovers(analysis.sent))) == (0, 0)


# What it is made of, against the same said slowly


@pytest.mark.parametrize("seed", range(20))
def test_first_seen_is_what_a_set_says(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.columns.groups.AT_ONCE", 7)
    random = np.random.default_rng(seed)
    start = random.integers(0, 50, 40)
    end = start + random.integers(0, 20, 40)
    seen: set[int] = set()
    expected = []
    for low, high in zip(start.tolist(), end.tolist(), strict=True):
        expected.append(len(set(range(low, high)) - seen))
        seen |= set(range(low, high))

    assert first_seen(start, end).tolist() == expected


def test_unwrapped_numbers_go_on_behind_the_end() -> None:
    group = np.array([1, 0, 1, 1, 0, 1])
    numbers = np.array([2**32 - 10, 5, 10, 2**32 - 5, 3, 2**31])

    assert unwrapped(group, numbers).tolist() == [0, 0, 20, 5, -2, 2**31 + 10 - 2**32]


def test_before_is_the_highest_of_the_group_so_far() -> None:
    assert before(np.array([0, 1, 0, 1, 0]), np.array([5, 20, 3, 10, 9])).tolist() == [
        -1, -1, 5, 20, 5
    ]  # fmt: skip


def test_codes_are_equal_where_rows_are() -> None:
    found = codes([np.array([1, 2, 1, 1]), np.array([7, 7, 7, 8])])

    assert found[0] == found[2]
    assert len(set(found.tolist())) == 3


CAPTURES = [path.read_bytes() for path in sorted(DATA.glob("*.pcap"))]


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(CAPTURES), st.lists(st.tuples(st.integers(24), st.integers(0, 255))))
def test_changed_captures_have_figures_that_add_up(
    data: bytes, changes: list[tuple[int, int]]
) -> None:
    octets = bytearray(data)
    for at, value in changes:
        octets[24 + at % (len(data) - 24)] = value
    parts = list(decoded(np.frombuffer(bytes(octets), np.uint8), "x"))
    analysis = Analysis.of(Capture.joined(parts))
    sent = analysis.sent

    assert np.array_equal(
        sent.first + sent.reinjected + sent.retransmitted + sent.unmapped, sent.payload
    )
    assert (sent.reinjected >= 0).all()
    assert series(sent).payload.sum() == sent.payload.sum()
    assert len(handovers(sent)) <= len(sent)
