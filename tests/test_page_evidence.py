"""What pages say of captures, against tshark; and that thinning leaves what can be seen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tshark_fields import needs_tshark

from lab.columns.capture import read
from lab.columns.sent import Sent
from lab.page.evidence import evidence
from lab.page.goodput import pauses
from lab.page.moments import in_words, ladder
from lab.page.thinning import ACROSS, UP, thinned

DATA = Path(__file__).parent / "data"
CAPTURES = sorted(DATA.glob("*.pcap")) + sorted(DATA.glob("runs/*/captures/*.pcap"))


def tshark(path: Path, *arguments: str) -> list[list[str]]:
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.split("\t") for line in done.stdout.splitlines()]


@needs_tshark
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: "/".join(path.parts[-3:]))
def test_filters_show_the_packets_of_their_subflow(path: Path) -> None:
    """Pasted into Wireshark, the filter of a ladder shows each of its packets, and no others."""
    found = evidence([path])
    (seen,) = found.seen

    for subflow in found.subflows:
        mine = seen.analysis.flows.subflow == seen.stream(subflow.number)
        query = f"tcp.stream eq {seen.stream(subflow.number)}"
        shown = tshark(path, "-Y", query, "-e", "frame.number")
        assert [int(number) for (number,) in shown] == seen.packets.number[mine].tolist()
        steps = {step.number for step in ladder(seen, subflow)}
        telling = f"{query} && (tcp.flags.syn == 1 || tcp.flags.fin == 1 || tcp.flags.reset == 1)"
        assert {int(number) for (number,) in tshark(path, "-Y", telling, "-e", "frame.number")}
        assert steps >= {
            int(number) for (number,) in tshark(path, "-Y", telling, "-e", "frame.number")
        }


@needs_tshark
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: "/".join(path.parts[-3:]))
def test_data_lie_where_tshark_finds_them(path: Path) -> None:
    """Places of data, against the relative data sequence numbers that tshark tells."""
    found = evidence([path])
    (seen,) = found.seen
    sent: Sent = seen.analysis.sent
    fields = ("-e", "frame.number", "-e", "mptcp.dss.dsn", "-e", "tcp.len")
    rows = [row for row in tshark(path, "-Y", "mptcp.dss.dsn && tcp.len > 0", *fields) if row[1]]
    theirs = {int(number): int(dsn.split(",")[0]) for number, dsn, _ in rows}
    compared = 0
    for way in found.ways():
        ours = seen.data(way)
        ours = ours.take((ours.unmapped == 0) & (ours.payload > 0))
        numbers = seen.packets.number[ours.packet].tolist()
        apart = {data - theirs[number] for number, data in zip(numbers, ours.data, strict=True)
                 if number in theirs}  # fmt: skip
        assert len(apart) <= 1  # one beginning for the whole direction
        compared += sum(number in theirs for number in numbers)
    assert compared
    assert len(sent) >= compared


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=300))
def test_each_cell_with_a_point_keeps_one(points: list[tuple[int, int]]) -> None:
    x, y = np.array(points).T
    kept = thinned(x, y)

    across, up = np.ptp(x) or 1, np.ptp(y) or 1
    cells = [
        (int((one - x.min()) * (ACROSS / across)), int((other - y.min()) * (UP / up)))
        for one, other in points
    ]
    assert {cells[at] for at in kept} == {*cells}
    assert len(kept) == len({*cells})


def test_a_million_points_are_few() -> None:
    drawn = np.random.default_rng(1)
    x = np.sort(drawn.random(1_000_000))

    assert len(thinned(x, x)) <= ACROSS + UP + 1


def test_a_pause_is_between_data() -> None:
    assert pauses(np.array([0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0])) == [(4, 4)]
    assert pauses(np.array([], float)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("Reshape(link='wifi', rate='3 Mbit/s')", "Reshape wifi, rate 3 Mbit/s"),
        ("Blackhole(link='wifi', direction=None)", "Blackhole wifi"),
        ("Blackhole(link='wifi', direction='there')", "Blackhole wifi, direction there"),
        ("<script>", "<script>"),
        (None, "None"),
    ],
)
def test_changes_are_words(change: object, words: str) -> None:
    assert in_words(change) == words


def test_a_capture_without_tcp_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes((DATA / "join_prio_v4.pcap").read_bytes()[:24])

    found = evidence([path])

    assert (found.subflows, found.ways(), found.problems) == ((), [], ())
    assert len(read(path).packets) == 0
