"""What the verifier says of captures: recorded ones, parts of them, and of version 0."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from capture_edit import DATA, Editable
from click.testing import CliRunner
from scapy.layers.inet import IP, TCP
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap
from written_connection import LTE, SERVER_KEY, SYN_ACK, WIFI, Wire

from lab import cli
from lab.errors import ScenarioFailed
from lab.verify import Report, Severity, Verdict, expect_kept, verify, verify_files
from lab.wire import keys
from lab.wire.mptcp import (
    AddAddr4V0,
    Dss,
    MpCapableAck,
    MpCapableSynAck,
    MpFail,
    MpJoinAck,
    MpJoinSyn,
    MpJoinSynAck,
    MptcpOption,
)
from lab.wire.reading import Capture
from lab.wire.segment import decode

CLIENT, SERVER = "fin_v4_client", "fin_v4_server"


def part(name: str, keep: Callable[[int], bool]) -> Capture:
    """A capture of which only these packets were recorded."""
    whole = Editable(name).capture()
    return whole._replace(segments=tuple(each for each in whole.segments if keep(each.number)))


def sentences(report: Report, severity: Severity) -> list[str]:
    return [each.sentence for each in report.findings if each.severity is severity]


def test_counts_say_what_was_checked() -> None:
    (connection,) = verify([Editable("fin_v6_checksum_client").capture()]).connections

    assert connection.version == 1
    assert len(connection.subflows) == 3
    assert connection.checked["tokens of joins"] == 2
    assert connection.checked["HMACs of joins"] == 4
    assert connection.checked["HMACs of ADD_ADDR"] == 1
    assert connection.checked["octets of data"] == 6300
    assert connection.checked["DSS checksums"] == 15
    assert connection.checked["DATA_FINs"] == 2


def test_a_reset_is_told_with_its_reason() -> None:
    report = verify([Editable(CLIENT).capture()])

    assert sentences(report, Severity.NOTE) == ["a subflow was reset: unspecified"]


def test_a_fallback_is_named_with_its_cause() -> None:
    report = verify([Editable("fallback_client").capture()])

    assert report.verdict is Verdict.VERIFIED
    (sentence,) = sentences(report, Severity.NOTE)
    assert sentence.startswith("fallback to TCP: the SYN/ACK has no MP_CAPABLE")


def test_without_the_handshake_nothing_is_verified() -> None:
    """The keys are not there: what follows from them is unchecked, with the reason."""
    report = verify([part(CLIENT, lambda number: number > 12)])

    assert report.verdict is Verdict.UNCHECKED
    reasons = [each.reason for connection in report.connections for each in connection.unchecked]
    assert "no capture has the MP_CAPABLE exchange" in reasons
    assert "no capture has the connection's keys" in reasons
    assert not sentences(report, Severity.VIOLATION)


def test_what_one_capture_lacks_another_has() -> None:
    late = part(CLIENT, lambda number: number > 12)
    assert verify([late]).verdict is Verdict.UNCHECKED

    together = verify([late, Editable(SERVER).capture()])

    assert together.verdict is Verdict.VERIFIED, str(together)
    assert len(together.connections) == 1


@pytest.mark.parametrize("name", [CLIENT, SERVER, "fin_v6_checksum_client"])
def test_a_capture_that_lost_a_packet_is_never_violated(name: str) -> None:
    """What is not there may have been sent all the same."""
    for lost in range(1, len(Editable(name).frames) + 1):
        report = verify([part(name, lambda number, lost=lost: number != lost)])  # type: ignore[misc]

        assert not sentences(report, Severity.VIOLATION), f"without packet {lost}: {report}"


def test_data_that_were_cut_leave_checksums_unchecked() -> None:
    report = verify_files([DATA.parent / "join_prio_v6_checksum.pcap"])

    assert report.verdict is Verdict.UNCHECKED
    (unchecked,) = report.connections[0].unchecked
    assert str(unchecked) == ("unchecked: 6 DSS checksums: the data were not captured as a whole")


def test_options_that_were_cut_are_unchecked() -> None:
    whole = Editable(CLIENT)
    whole.frames = [bytearray(frame[:84]) for frame in whole.frames]

    report = verify([whole.capture()])

    assert report.verdict is Verdict.UNCHECKED
    assert "the capture has only a part of them" in str(report)
    assert not sentences(report, Severity.VIOLATION)


def test_a_capture_without_mptcp_is_not_verified() -> None:
    report = verify([Capture("none", (), 0, None, 0)])

    assert report.verdict is Verdict.UNCHECKED
    assert "no MPTCP connection in 0 TCP segments" in str(report)


def test_violations_fail_a_test_with_every_sentence() -> None:
    capture = Editable(CLIENT)
    capture.edit(MpJoinAck, 0, hmac=bytes(20))
    capture.edit(MpJoinAck, 1, hmac=bytes(20))

    with pytest.raises(ScenarioFailed) as failure:
        expect_kept(verify([capture.capture()]))

    assert str(failure.value).count("HMAC of the ACK") == 2
    assert "(RFC 8684 section 3.2) [fin_v4_client:" in str(failure.value)


# Version 0: no upstream kernel speaks it, so that its packets are built here, from RFC 6824.

KEY_A, KEY_B = 0x0102030405060708, 0x1112131415161718
NONCE_A, NONCE_B = 0xA0A0A0A0, 0xB0B0B0B0


def sha1(key: int) -> bytes:
    return hashlib.sha1(struct.pack("!Q", key)).digest()  # noqa: S324  # RFC 6824 says so


def proof(*numbers: int) -> bytes:
    key, message = struct.pack("!QQ", *numbers[:2]), struct.pack("!II", *numbers[2:])
    return hmac.digest(key, message, "sha1")


def packet(end: str, sport: int, flags: str, seq: int, ack: int, *options: MptcpOption,
           data: bytes = b"") -> Packet:  # fmt: skip
    first, other = ("10.0.0.1" if sport == 5 else "10.0.0.4"), "10.0.0.2"
    source, destination = (first, other) if end == "A" else (other, first)
    ports = (sport, 80) if end == "A" else (80, sport)
    header = TCP(
        sport=ports[0], dport=ports[1], flags=flags, seq=seq, ack=ack,
        options=[("MPTCP", option) for option in options],
    )  # fmt: skip
    return IP(src=source, dst=destination) / header / Raw(data)


def version0() -> list[Packet]:
    token = int.from_bytes(sha1(KEY_B)[:4], "big")
    at, back = (int.from_bytes(sha1(key)[-8:], "big") + 1 for key in (KEY_A, KEY_B))
    both = {"version": 0, "sender_key": KEY_A, "receiver_key": KEY_B}
    return [
        packet("A", 5, "S", 100, 0, MpCapableSynAck(version=0, sender_key=KEY_A)),
        packet("B", 5, "SA", 900, 101, MpCapableSynAck(version=0, sender_key=KEY_B)),
        packet("A", 5, "A", 101, 901, MpCapableAck(**both)),
        packet("A", 5, "PA", 101, 901, Dss(flags="MmAa", dsn=at, ssn=1, data_level_length=5,
                                           data_ack=back), data=b"hello"),
        packet("B", 5, "A", 901, 106, Dss(flags="Aa", data_ack=at + 5)),
        packet("B", 5, "A", 901, 106, AddAddr4V0(address_id=3, address="10.0.0.3")),
        packet("A", 6, "S", 500, 0, MpJoinSyn(address_id=1, token=token, nonce=NONCE_A)),
        packet("B", 6, "SA", 700, 501, MpJoinSynAck(
            nonce=NONCE_B, hmac=proof(KEY_B, KEY_A, NONCE_B, NONCE_A)[:8])),
        packet("A", 6, "A", 501, 701, MpJoinAck(hmac=proof(KEY_A, KEY_B, NONCE_A, NONCE_B))),
        packet("A", 6, "PA", 501, 701, Dss(flags="MA", dsn=(at + 5) % 2**32, ssn=1,
                                           data_level_length=6, data_ack=back % 2**32),
               data=b" world"),
        packet("B", 6, "A", 701, 507, Dss(flags="A", data_ack=(at + 11) % 2**32)),
    ]  # fmt: skip


def written(path: Path, packets: list[Packet]) -> Path:
    wrpcap(str(path), packets, linktype=101)
    return path


def test_version_0_is_verified(tmp_path: Path) -> None:
    """SHA-1 for tokens, IDSNs and HMACs; 32 bits of data sequence numbers on one subflow."""
    report = verify_files([written(tmp_path / "v0.pcap", version0())])

    assert report.verdict is Verdict.VERIFIED, str(report)
    (connection,) = report.connections
    assert connection.version == 0
    assert connection.checked["HMACs of joins"] == 2
    assert connection.checked["octets of data"] == 11


def test_tshark_finds_the_same_token_and_idsn_in_version_0(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed; it is the independent witness of version 0")
    path = written(tmp_path / "v0.pcap", version0())
    done = subprocess.run(
        ["tshark", "-r", path, "-T", "fields", "-e", "mptcp.expected_token",
         "-e", "tcp.options.mptcp.recvtok", "-e", "mptcp.stream"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [line.split("\t") for line in done.stdout.splitlines()]

    assert int.from_bytes(sha1(KEY_A)[:4], "big") == int(rows[0][0], 0)
    assert int.from_bytes(sha1(KEY_B)[:4], "big") == int(rows[6][1], 0)
    assert {row[2] for row in rows} == {"0"}


def test_mp_fail_names_data_that_were_mapped(tmp_path: Path) -> None:
    right = int.from_bytes(sha1(KEY_A)[-8:], "big") + 1
    for dsn, wrong in ((right, False), (right + 1000, True)):
        packets = [*version0()[:5], packet("B", 5, "A", 901, 106, MpFail(dsn=dsn))]
        report = verify_files([written(tmp_path / "fail.pcap", packets)])

        assert (
            any("MP_FAIL names" in each for each in sentences(report, Severity.VIOLATION)) is wrong
        )


def test_a_mapping_without_an_end_is_a_fallback_with_its_cause(tmp_path: Path) -> None:
    at = int.from_bytes(sha1(KEY_A)[-8:], "big") + 1
    endless = Dss(flags="MmAa", dsn=at + 5, ssn=6, data_level_length=0, data_ack=0)
    endless.data_ack = int.from_bytes(sha1(KEY_B)[-8:], "big") + 1
    packets = [
        *version0()[:5],
        packet("B", 5, "A", 901, 106, MpFail(dsn=at)),
        packet("A", 5, "PA", 106, 901, endless, data=b"more"),
        packet("A", 5, "PA", 110, 901, data=b"and more"),
    ]

    report = verify_files([written(tmp_path / "endless.pcap", packets)])

    assert not sentences(report, Severity.VIOLATION), str(report)
    assert any("after a wrong checksum" in each for each in sentences(report, Severity.NOTE))


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(cli.commands, ["verify", *map(str, arguments)])


@pytest.mark.parametrize("isn", [100, 0xFFFFFF00])
@pytest.mark.parametrize("backup", [True, False])
def test_a_server_that_uses_a_backup_is_noted(isn: int, backup: bool) -> None:
    """Seen at the server, whatever numbers TCP counts from; only if another subflow gets on."""
    wire = Wire(isn)
    wire.open()
    wire.join(1.05, backup)
    wire.put(1.06, LTE, "1000" + "11" * 8 + "0badcafe", seq=0, flags=SYN_ACK, back=True)
    for at, path in ((0, LTE), (100, WIFI)):
        mapping = struct.pack("!QIH", keys.first_dsn(SERVER_KEY) + at, 1, 100).hex()
        wire.put(2 + at / 1000, path, "200c" + mapping, payload=100, back=True)

    def noted() -> bool:
        segments = (decode(frame, 101, n, time) for n, (time, frame) in enumerate(wire.frames, 1))
        at_server = (
            replace(each, outgoing=each.source.host == "10.0.9.1") for each in segments if each
        )
        report = verify([Capture("server", tuple(at_server), len(wire.frames), 0.0, 0)])
        return any("wants it as a backup" in each for each in sentences(report, Severity.NOTE))

    assert not noted()
    wire.put(2.2, WIFI, "", ack=101)
    assert noted() is backup


def test_the_command_says_what_was_verified() -> None:
    done = invoke(DATA / f"{CLIENT}.pcap", DATA / f"{SERVER}.pcap")

    assert done.exit_code == 0
    assert "fin_v4_server.pcap: verified" in done.stdout
    assert "4 HMACs of joins" in done.stdout


@pytest.mark.parametrize(("verdict", "status"), [("violated", 1), ("unchecked", 3)])
def test_the_command_fails_with_a_status_for_each_verdict(
    tmp_path: Path, verdict: str, status: int
) -> None:
    path = DATA.parent / "join_prio_v6_checksum.pcap"
    if verdict == "violated":
        packets = version0()
        packets[7][TCP].options[0][1].hmac = bytes(8)
        path = written(tmp_path / "wrong.pcap", packets)

    done = invoke(path, "--json")

    assert done.exit_code == status
    report = json.loads(done.stdout)
    assert report["verdict"] == verdict
    if verdict == "violated":
        (wrong,) = [f for f in report["connections"][0]["findings"] if f["severity"] == "violation"]
        assert wrong["packets"] == [{"file": str(path), "number": 8}]
        assert wrong["section"] == "section 3.2"
