"""Questions to a capture, and what they say when the answer is another."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lab.errors import InvalidRun, ScenarioFailed, UsageError
from lab.trace import Trace
from lab.wire.mptcp import Dss, MpCapable, MpJoin, MpJoinSynAck, MpPrio, MptcpOption
from lab.wire.reading import read_records

DATA = Path(__file__).parent / "data"
V4 = DATA / "join_prio_v4.pcap"
V6 = DATA / "join_prio_v6_checksum.pcap"
CONTENTS = "{MpCapable: 4, Dss: 37, MpJoin: 4, MpPrio: 2, AddAddr: 2, RemoveAddr: 1}"


class Subflow(NamedTuple):
    """What an API hands out: two ends, written as sockets write them."""

    local: tuple[Any, ...]
    remote: tuple[Any, ...]


FIRST = Subflow(("10.0.1.1", 32906), ("10.0.1.2", 5000))
JOINED = Subflow(("10.0.2.1", 53241), ("10.0.1.2", 5000))


@pytest.fixture
def v4() -> Trace:
    return Trace.from_pcap(V4, at="server")


def numbers(trace: Trace) -> list[int]:
    return [segment.number for segment in trace]


class TestReading:
    def test_packet_numbers_are_those_of_the_file(self) -> None:
        """Frames that are not TCP count, so that Wireshark shows the same numbers."""
        trace = Trace.from_pcap(str(V6), at="server")

        assert len(trace) == 48
        assert numbers(trace)[:3] == [8, 9, 10]
        assert numbers(trace)[-1] == 59

    def test_a_half_written_last_record_is_left_out(self, tmp_path: Path, v4: Trace) -> None:
        cut = tmp_path / "cut.pcap"
        cut.write_bytes(V4.read_bytes()[:-1])

        assert Trace.from_pcap(cut, at="server").segments == v4.segments[:-1]

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"none.pcap: no capture to read: No such file"):
            Trace.from_pcap(tmp_path / "none.pcap", at="server")

    def test_directory(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no capture to read: Is a directory"):
            Trace.from_pcap(tmp_path, at="server")

    def test_empty_file(self, tmp_path: Path) -> None:
        empty = tmp_path / "empty.pcap"
        empty.touch()

        with pytest.raises(InvalidRun, match=r"empty.pcap: .*0 of 24 bytes"):
            Trace.from_pcap(empty, at="server")

    def test_foreign_file(self) -> None:
        with pytest.raises(UsageError, match=r"test_trace.py: not a pcap or pcapng file"):
            Trace.from_pcap(Path(__file__), at="server")

    def test_unknown_link_type(self, tmp_path: Path) -> None:
        wifi = tmp_path / "wifi.pcap"
        data = V4.read_bytes()
        wifi.write_bytes(data[:20] + struct.pack("<I", 105) + data[24:])

        with pytest.raises(UsageError, match="link type 105 is not one of 1, 12, 101, 113, 276"):
            Trace.from_pcap(wifi, at="server")

    @pytest.mark.parametrize("snap_length", [1, 68, 119])
    def test_a_snap_length_that_may_cut_options_makes_the_run_invalid(
        self, tmp_path: Path, snap_length: int
    ) -> None:
        short = tmp_path / "short.pcap"
        data = V4.read_bytes()
        short.write_bytes(data[:16] + struct.pack("<I", snap_length) + data[20:])

        with pytest.raises(InvalidRun, match=f"cut after {snap_length} bytes.*tcpdump -s 256"):
            Trace.from_pcap(short, at="server")

    @pytest.mark.parametrize("snap_length", [0, 120])
    def test_long_enough_snap_lengths(self, tmp_path: Path, v4: Trace, snap_length: int) -> None:
        enough = tmp_path / "enough.pcap"
        data = V4.read_bytes()
        written = data[:16] + struct.pack("<I", snap_length) + data[20:24]
        at = 24
        while at < len(data):
            *time, captured, length = struct.unpack_from("<IIII", data, at)
            frame = data[at + 16 : at + 16 + captured][: snap_length or None]
            written += struct.pack("<IIII", *time, len(frame), length) + frame
            at += 16 + captured
        enough.write_bytes(written)

        seen = Trace.from_pcap(enough, at="server")
        assert [replace(each, data=b"") for each in seen] == [
            replace(each, data=b"") for each in v4
        ]

    def test_fewer_records_than_were_recorded_make_the_run_invalid(self) -> None:
        records = read_records(V4)

        assert read_records(V4, at_least=len(records)) == records
        with pytest.raises(InvalidRun, match=f"{len(records) + 1} packets were recorded, "):
            Trace.from_pcap(V4, at="server", at_least=len(records) + 1)

    def test_a_fifo_is_no_capture(self, tmp_path: Path) -> None:
        fifo = tmp_path / "x.pcap"
        os.mkfifo(fifo)

        with pytest.raises(UsageError, match=r"x.pcap: no capture to read: not a regular file"):
            Trace.from_pcap(fifo, at="server")


class TestSelecting:
    def test_arrived_and_sent_are_the_two_directions(self, v4: Trace) -> None:
        arrived, sent = v4.arrived(), v4.sent()

        assert numbers(arrived)[:5] == [1, 3, 4, 7, 8]
        assert numbers(sent)[:4] == [2, 5, 6, 9]
        assert sorted(numbers(arrived) + numbers(sent)) == numbers(v4)

    def test_direction_needs_a_capture_that_tells(self, v4: Trace) -> None:
        ethernet = Trace((*v4.segments, replace(v4[0], outgoing=None)), at="gw")

        for question in (ethernet.arrived, ethernet.sent):
            with pytest.raises(UsageError, match=r"capture at gw does not tell .* tcpdump -i any"):
                question()

    def test_before_and_after_are_strict(self, v4: Trace) -> None:
        time = v4[9].time

        assert numbers(v4.before(time)) == list(range(1, 10))
        assert numbers(v4.after(time)) == list(range(11, 49))

    def test_on_takes_both_directions_of_one_subflow(self, v4: Trace) -> None:
        joined = v4.on(JOINED)

        assert numbers(joined)[:4] == [8, 9, 10, 11]
        assert {segment.source for segment in joined} == {JOINED.local, JOINED.remote}
        assert len(joined) + len(v4.on(FIRST)) + 2 == len(v4)

    def test_on_looks_at_both_ends(self, v4: Trace) -> None:
        assert len(v4.on(Subflow(JOINED.local, FIRST.local))) == 0
        assert len(v4.on(Subflow(FIRST.remote, JOINED.local))) == len(v4.on(JOINED))

    @pytest.mark.parametrize(
        "local", [("::ffff:10.0.2.1", 53241, 0, 0), ["10.0.2.1", 53241], ("10.0.2.1", "53241")]
    )
    def test_on_reads_what_sockets_give(self, v4: Trace, local: Any) -> None:
        assert v4.on(Subflow(local, JOINED.remote)) == v4.on(JOINED)

    def test_on_reads_ipv6_in_any_spelling(self) -> None:
        trace = Trace.from_pcap(V6, at="server")

        joined = trace.on(Subflow(("FD00:2:0::1%eth1", 43701, 0, 3), ("fd00:1::2", 5000, 0, 0)))

        assert len(joined) == len(Trace.from_pcap(V4, at="server").on(JOINED))

    @pytest.mark.parametrize("local", [("client", 1), ("10.0.0.1",), None, ("10.0.0.1", "x")])
    def test_on_refuses_what_has_no_address(self, v4: Trace, local: Any) -> None:
        with pytest.raises(UsageError, match=re.escape(f"(address, port), not {local!r}")):
            v4.on(Subflow(local, JOINED.remote))

    def test_questions_chain(self, v4: Trace) -> None:
        answer = v4.arrived().on(FIRST).after(v4.start).before(v4[11].time)

        assert numbers(answer) == [3, 4, 7]


class TestOptions:
    def test_all_gives_each_option_with_its_segment(self, v4: Trace) -> None:
        found = v4.all(MpPrio)

        assert [(segment.number, option.backup) for segment, option in found] == [(18, 0), (29, 1)]

    def test_all_takes_the_forms_of_a_kind_together(self, v4: Trace) -> None:
        assert [segment.number for segment, _join in v4.all(MpJoin)] == [8, 9, 10, 24]
        assert [segment.number for segment, _join in v4.all(MpJoinSynAck)] == [9]
        assert len(v4.all(MpCapable)) == 4
        assert len(v4.all(MptcpOption)) == 4 + 37 + 4 + 2 + 2 + 1

    def test_first(self, v4: Trace) -> None:
        segment, option = v4.first(MpPrio)

        assert (segment.number, option.backup) == (18, 0)

    def test_first_of_none(self, v4: Trace) -> None:
        with pytest.raises(ScenarioFailed) as failure:
            v4.sent().first(MpPrio)

        assert str(failure.value) == (
            "expected at least one MpPrio at server (sent), saw 0; the capture has "
            "{MpCapable: 1, Dss: 16, MpJoin: 1, AddAddr: 1, RemoveAddr: 1}"
        )

    def test_only(self, v4: Trace) -> None:
        segment, prio = v4.after(v4[20].time).only(MpPrio)

        assert segment.number == 29
        assert segment.source == JOINED.local
        assert prio.backup

    def test_only_of_none_says_what_is_there_instead(self, v4: Trace) -> None:
        handshake = Trace(v4.segments[:10], at="server")

        with pytest.raises(ScenarioFailed) as failure:
            handshake.only(MpPrio)

        assert str(failure.value) == (
            "expected one MpPrio at server, saw 0; "
            "the capture has {MpCapable: 4, Dss: 3, MpJoin: 3}"
        )

    def test_only_of_several_lists_them(self, v4: Trace) -> None:
        with pytest.raises(ScenarioFailed) as failure:
            v4.arrived().only(MpPrio)

        first, *lines = str(failure.value).splitlines()
        assert first.startswith("expected one MpPrio at server (arrived), saw 2; ")
        ends = "10.0.2.1:53241 > 10.0.1.2:5000"
        assert [line.partition(": <MpPrio ")[0] for line in lines] == [
            f"    packet 18 at 1.016070 s, {ends}",
            f"    packet 29 at 2.226460 s, {ends}",
        ]
        assert "backup=0" in lines[0]
        assert "backup=1" in lines[1]

    def test_only_of_many_lists_ten(self, v4: Trace) -> None:
        with pytest.raises(ScenarioFailed) as failure:
            v4.only(Dss)

        lines = str(failure.value).splitlines()
        assert len(lines) == 12
        assert lines[-1] == "    and 27 more"

    def test_only_of_ten_lists_them_all(self, v4: Trace) -> None:
        ten = Trace(tuple(segment for segment, _dss in v4.all(Dss)[:10]), at="server")

        with pytest.raises(ScenarioFailed) as failure:
            ten.only(Dss)

        assert "saw 10" in str(failure.value)
        assert len(str(failure.value).splitlines()) == 11

    def test_times_in_messages_count_from_the_first_frame(self) -> None:
        """Frame 1 of this capture is no TCP: the clock is Wireshark's, however narrow the trace."""
        trace = Trace.from_pcap(V6, at="server")

        with pytest.raises(ScenarioFailed, match=r"packet 29 at 2\.015067 s"):
            trace.after(trace[2].time).only(MpPrio)

    def test_times_of_a_trace_of_segments_count_from_the_first_of_them(self, v4: Trace) -> None:
        with pytest.raises(ScenarioFailed, match=r"packet 18 at 0\.000000 s"):
            Trace(v4.segments[17:], at="server").only(MpPrio)

    def test_a_plain_tcp_capture_says_so(self, v4: Trace) -> None:
        plain = Trace((replace(v4[0], options=b""),), at="client")

        with pytest.raises(ScenarioFailed, match=r"at client, saw 0; .* no MPTCP options in 1 seg"):
            plain.only(MpCapable)


class TestHandshakes:
    def test_connection_and_joins(self, v4: Trace) -> None:
        connection = v4.connection()
        joined, refused = v4.joins()

        assert connection.initiator == FIRST.local
        assert v4.connections() == (connection,)
        assert (joined.initiator, joined.responder) == JOINED
        assert refused.missing == ("SYN/ACK", "ACK")
        joined.verify(connection)

    def test_no_connection(self, v4: Trace) -> None:
        with pytest.raises(ScenarioFailed, match=r"connection at server .*saw 0"):
            v4.on(JOINED).connection()

    def test_two_connections(self, v4: Trace) -> None:
        both = Trace(v4.segments + Trace.from_pcap(V6, at="server").segments, at="server")

        with pytest.raises(ScenarioFailed) as failure:
            both.connection()

        first, *lines = str(failure.value).splitlines()
        assert "expected one MPTCP connection at server, saw 2" in first
        assert lines == [f"    {connection}" for connection in both.connections()]
        assert len(lines) == 2

    def test_join(self, v4: Trace) -> None:
        assert v4.on(JOINED).join() == v4.joins()[0]

    def test_join_of_none_and_of_two(self, v4: Trace) -> None:
        with pytest.raises(ScenarioFailed, match=r"expected one join at server \(on .*, saw 0; "):
            v4.on(FIRST).join()
        with pytest.raises(ScenarioFailed, match="expected one join at server, saw 2; ") as failure:
            v4.join()
        assert "\n    join 10.0.2.1:56749 > 10.0.2.2:5000" in str(failure.value)


class TestNumbers:
    def test_payload_is_the_sum_over_the_segments(self, v4: Trace) -> None:
        assert v4.payload() == 6 * 300 + 6 * 50
        assert v4.arrived().payload() == 6 * 300
        assert v4.on(JOINED).payload() == 0
        assert Trace((v4[3], v4[3]), at="server").payload() == 600

    def test_start_and_end(self, v4: Trace) -> None:
        assert v4.start == v4[0].time
        assert v4.end == v4[47].time
        assert v4.end - v4.start == pytest.approx(3.456640, abs=1e-6)

    @pytest.mark.parametrize("name", ["start", "end"])
    def test_an_empty_trace_has_no_start_and_no_end(self, v4: Trace, name: str) -> None:
        with pytest.raises(ScenarioFailed) as failure:
            getattr(v4.on(JOINED).before(v4.start), name)

        assert str(failure.value) == (
            "no segments at server (on 10.0.2.1:53241 - 10.0.1.2:5000, before 0.000000 s), "
            f"so there is no {name}"
        )

    def test_an_empty_trace_is_falsy_and_answers_the_rest(self) -> None:
        empty = Trace((), at="server")

        assert not empty
        assert (empty.payload(), empty.joins(), empty.all(Dss)) == (0, (), ())
        assert empty.arrived().before(1.0).segments == ()


class TestForPeople:
    def test_repr(self, v4: Trace) -> None:
        assert repr(v4) == f"<Trace at server: 48 segments, {CONTENTS}>"
        assert repr(v4.sent().before(0)).startswith("<Trace at server (sent, before ")

    def test_summary(self, v4: Trace) -> None:
        assert v4.summary().splitlines() == [
            f"at server: 48 segments, {CONTENTS}",
            "    10.0.1.1:32906 > 10.0.1.2:5000: 1800 bytes, back: 300 bytes",
            "    10.0.2.1:53241 > 10.0.1.2:5000: 0 bytes, back: 0 bytes",
            "    10.0.2.1:56749 > 10.0.2.2:5000: 0 bytes, back: 0 bytes",
        ]

    def test_it_is_a_frozen_sequence(self, v4: Trace) -> None:
        assert list(v4) == list(v4.segments)
        assert v4[-1].number == len(v4) == 48
        with pytest.raises(FrozenInstanceError):
            v4.at = "client"  # type: ignore[misc]  # that is the point
