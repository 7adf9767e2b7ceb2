"""Whatever stands in a capture, verifying it ends with a report or a typed error."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from capture_edit import DATA, IP, Editable
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lab.errors import LabError
from lab.verify import Verdict, verify, verify_files
from lab.wire.reading import Capture
from lab.wire.segment import decode

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
"""A slow machine is no failure."""

CAPTURES = [Editable(path.stem) for path in sorted(DATA.glob("*.pcap"))]
V4 = next(capture for capture in CAPTURES if capture.name == "fin_v4_client")
TCP = IP + 20


def segment_with(options: bytes, flags: int) -> bytes:
    """A frame of the recorded connection with these TCP options."""
    padded = options + bytes(-len(options) % 4)
    frame = bytes(V4.frames[5])
    header = frame[TCP : TCP + 12] + bytes([(20 + len(padded)) << 2, flags]) + bytes(6)
    packet = header + padded
    ip = bytearray(frame[IP:TCP])
    ip[2:4] = struct.pack("!H", 20 + len(packet))
    return frame[:IP] + bytes(ip) + packet


def seen(frames: list[bytes]) -> Capture:
    segments = (
        decode(frame, V4.link_type, number, float(number)) for number, frame in enumerate(frames, 1)
    )
    return Capture("fuzzed", tuple(filter(None, segments)), len(frames), 0.0, 0)


FLIPS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 255)))


@PATIENT
@given(st.sampled_from(CAPTURES), FLIPS)
def test_any_octets_changed_anywhere(capture: Editable, flips: list[tuple[int, int, int]]) -> None:
    frames = [bytearray(frame) for frame in capture.frames]
    for frame, offset, octet in flips:
        chosen = frames[frame % len(frames)]
        chosen[offset % len(chosen)] = octet

    report = verify([seen(list(map(bytes, frames)))])

    assert report.as_dict()
    assert str(report)


@PATIENT
@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 255)), max_size=60))
def test_any_options_on_any_segments(segments: list[tuple[bytes, int]]) -> None:
    report = verify([seen([segment_with(options, flags) for options, flags in segments])])

    assert str(report)
    assert report.verdict is not Verdict.VERIFIED or report.connections


@PATIENT
@example(options=[(1, bytes(13), 2)])  # a SYN with the MP_JOIN of a SYN/ACK
@given(
    st.lists(
        st.tuples(st.integers(0, 15), st.binary(max_size=37), st.sampled_from([2, 16, 18, 4])),
        max_size=60,
    )
)
def test_any_mptcp_options_in_a_real_connection(
    options: list[tuple[int, bytes, int]],
) -> None:
    """Each of them stands in a segment of the recorded connection, between two real ones."""
    frames = []
    for index, real in enumerate(V4.frames):
        frames.append(bytes(real))
        if index < len(options):
            subtype, octets, flags = options[index]
            value = bytes([subtype << 4]) + octets
            frames.append(segment_with(bytes([30, 2 + len(value)]) + value, flags))

    assert str(verify([seen(frames)]))


@pytest.mark.parametrize("octets", ["1e00", "1e01", "1e28" + "00" * 4, "1e"], ids=str)
def test_an_option_with_an_impossible_length_is_not_verified_away(octets: str) -> None:
    """It is no option to any host; the rest of the connection is judged as before."""
    frames = [*map(bytes, V4.frames), segment_with(bytes.fromhex(octets), 16)]

    assert verify([seen(frames)]).verdict is Verdict.VERIFIED


@pytest.mark.parametrize("length", [0, 1, 4, 23])
def test_a_file_that_ends_in_its_header_is_an_error(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes((DATA / "fin_v4_client.pcap").read_bytes()[:length])

    with pytest.raises(LabError, match=r"cut.pcap: "):
        verify_files([path])


@pytest.mark.parametrize("length", range(24, 3000, 97))
def test_a_truncated_file_is_never_violated(tmp_path: Path, length: int) -> None:
    """What was recorded before the cut is right; what is not there cannot be wrong."""
    path = tmp_path / "cut.pcap"
    path.write_bytes((DATA / "fin_v4_client.pcap").read_bytes()[:length])

    assert verify_files([path]).verdict in (Verdict.VERIFIED, Verdict.UNCHECKED, Verdict.DOUBTFUL)


def test_a_file_with_another_magic_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "other.pcap"
    path.write_bytes(b"\x00\x01\x02\x03" + (DATA / "fin_v4_client.pcap").read_bytes()[4:])

    with pytest.raises(LabError, match="not a pcap or pcapng file"):
        verify_files([path])
