"""The chain of records, followed side by side, is the one that is followed one by one."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from capture_files import BIG, LITTLE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from large_capture import write

from lab.columns import chain
from lab.wire import pcap

ANY = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=300)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes as for large files, in files of a few records."""
    for name, value in (("LANES", 4), ("SAMPLE", 2), ("FEW", 8)):
        monkeypatch.setattr(chain, name, value)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records were followed one by one, each time."""
    counts: list[int] = []
    real = pcap.one_by_one

    def counted(data: bytes, order: str, at: int, at_most: int) -> tuple[list[int], int]:
        found = real(data, order, at, at_most)
        counts.append(len(found[0]))
        return found

    monkeypatch.setattr(pcap, "one_by_one", counted)
    return counts


def both(data: bytes, order: str, at_most: int, at: int = 0) -> list[tuple[list[int], int]]:
    found = (way(data, order, at, at_most) for way in (pcap.one_by_one, chain.walk))
    return [(list(starts), end) for starts, end in found]


def record(order: str, frame: bytes, seconds: int = 1_700_000_000) -> bytes:
    return struct.pack(order + "IIII", seconds, 5, len(frame), 1500) + frame


@pytest.mark.parametrize("at_most", [1 << 12, 9_999, 1 << 15])
def test_a_large_capture(tmp_path: Path, alone: list[int], at_most: int) -> None:
    """All but a few are indeed followed side by side, and the last one that is cut is left out."""
    write(tmp_path / "large.pcap", 30_000)
    data = (tmp_path / "large.pcap").read_bytes()[:-5]

    at, starts, whole = pcap.HEADER, list[int](), True
    while whole:
        found, at = chain.walk(data, LITTLE, at, at_most)
        starts += found
        whole = len(found) == at_most
    assert sum(alone) < 0.3 * len(starts)
    assert (starts, at) == pcap.one_by_one(data, LITTLE, pcap.HEADER, 30_000)
    assert len(starts) == 29_999


FRAMES = st.one_of(
    st.binary(max_size=60),
    st.builds(record, st.sampled_from([LITTLE, BIG]), st.binary(max_size=30)),  # looks like one
    st.just(bytes(200)),
)


@ANY
@given(
    st.sampled_from([LITTLE, BIG]),
    st.lists(st.tuples(FRAMES, st.integers(0, 3)), min_size=8, max_size=60),
    st.integers(0, 70),
    st.data(),
)
def test_whatever_records(
    small: None, order: str, frames: list[tuple[bytes, int]], at_most: int, data: st.DataObject
) -> None:
    """Frames that look like records, other times, and octets that were changed or cut off."""
    file = bytearray(b"".join(record(order, f, 1_700_000_000 + (n << 15)) for f, n in frames))
    for place in data.draw(st.lists(st.integers(0, len(file) - 1), max_size=4)):
        file[place] = data.draw(st.integers(0, 255))
    octets = bytes(file[: data.draw(st.integers(16, len(file)))])

    one_by_one, side_by_side = both(octets, order, at_most)
    assert side_by_side == one_by_one


@pytest.mark.parametrize("order", [LITTLE, BIG])
@pytest.mark.usefixtures("small")
def test_a_wrong_guess_is_noticed(alone: list[int], order: str) -> None:
    """A frame with a record in it misleads: only without it, there is little to do one by one."""
    plain = record(order, bytes(range(60))) * 43
    misleading = record(order, record(order, b"") * 3 + bytes(12)) * 43

    for file in (plain, misleading):
        alone.clear()
        starts, _ = chain.walk(file, order, 0, 43)
        assert list(starts) == list(range(0, 76 * 43, 76))
        assert (sum(alone) > 20) == (file is misleading)
