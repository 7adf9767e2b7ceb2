"""What the hosts of a scenario put on the wire keeps to the protocol (RFC 8684)."""

import socket

import pytest
from capture_edit import Editable

from lab import capture as captures
from lab.verify import Severity, Verdict, verify, verify_files
from lab.wire.mptcp import MpPrio

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@pytest.fixture
def checksums(net, monkeypatch):
    """Both hosts ask for DSS checksums, and the captures hold the data that they cover."""
    monkeypatch.setattr(captures, "SNAP_LENGTH", 2000)
    for host in ("client", "server"):
        net.node(host).set_sysctls({"net.mptcp.checksum_enabled": "1"})


@both_families
def test_two_subflows_keep_to_the_protocol(flow, capture):
    """Tokens, HMACs, mappings and acknowledgments are right in the captures of both hosts."""
    flow.wait_delivered("50 kB")
    flow.connection.set_backup(flow.open_subflow("lte"), True)
    flow.connection.announce(flow.address("client", "lte"))
    sent = flow.finish()

    report = capture.verify()

    assert report.verdict is Verdict.VERIFIED, str(report)
    (connection,) = report.connections
    assert connection.checked["HMACs of joins"] == 2
    assert connection.checked["HMACs of ADD_ADDR"] >= 2  # each host has seen it
    assert connection.checked["octets of data"] >= sent


@both_families
@pytest.mark.usefixtures("checksums")
def test_checksums_are_those_of_the_data(flow, capture):
    """With net.mptcp.checksum_enabled, every mapping has the checksum of what it maps."""
    flow.wait_delivered("50 kB")
    flow.open_subflow("lte")
    flow.finish()

    report = capture.verify()

    assert report.verdict is Verdict.VERIFIED, str(report)
    (connection,) = report.connections
    assert connection.checked["DSS checksums"] >= connection.checked["mappings"] > 10


@pytest.mark.flow(server_protocol=socket.IPPROTO_TCP)
def test_a_fallback_is_recognised(flow, capture):
    """A server without Multipath TCP is named as the cause, and nothing is held against it."""
    flow.wait_delivered("50 kB")
    flow.finish()

    report = capture.verify()

    assert report.verdict is Verdict.VERIFIED, str(report)
    assert {finding.severity for finding in report.findings} == {Severity.NOTE}
    assert "the SYN/ACK has no MP_CAPABLE" in report.findings[0].sentence


JUDGED = """
@pytest.mark.topology(TWO_PATHS)
def test_with_an_open_subflow(flow):
    flow.wait_delivered("20 kB")
    flow.open_subflow("lte")


@pytest.mark.topology(TWO_PATHS)
def test_without_a_packet(capture):
    pass


@pytest.mark.topology(TWO_PATHS)
def test_with_a_wrong_proof(flow, monkeypatch):
    from lab.wire import keys

    flow.wait_delivered("20 kB")
    flow.open_subflow("lte")
    monkeypatch.setattr(keys, "join_hmac", lambda *_: bytes(32))
"""


def test_each_run_keeps_what_was_verified(inner_pytest):
    """With ``--verify``, a manifest has verdict and counts; nothing to check is not verified."""
    said = inner_pytest(JUDGED, "--verify")
    runs = said.runs

    found = {name: run["verification"] for name, run in runs.items()}
    whole, nothing, wrong = (found[f"test_{name}"] for name in (
        "with_an_open_subflow", "without_a_packet", "with_a_wrong_proof"))  # fmt: skip
    assert whole["verdict"] == "verified"
    assert {file.rpartition("/")[2] for file in whole["files"]} == {"client.pcap", "server.pcap"}
    assert whole["connections"][0]["checked"]["HMACs of joins"] == 2
    assert whole["connections"][0]["checked"]["packets compared with what was sent"] > 10
    assert (nothing["verdict"], nothing["connections"]) == ("unchecked", [])
    assert wrong["verdict"] == "violated"
    assert {name: run["verdict"] for name, run in runs.items()} == {
        "test_with_an_open_subflow": "passed",
        "test_without_a_packet": "passed",
        "test_with_a_wrong_proof": "failed",
    }
    assert "ScenarioFailed: violation: " in said.text
    assert "fixtures.py" not in said.text, "frames of the lab tell the author nothing"


@pytest.mark.flow(sender="server")
def test_new_data_on_a_backup_subflow_are_noted(flow, capture, result):
    """Where MP_PRIO made a subflow normal again; a bit that says otherwise is noticed."""
    lte = flow.open_subflow("lte", backup=True)
    flow.wait_delivered_more("200 kB")
    flow.connection.set_backup(lte, False)
    flow.wait_delivered_more("4 MB")
    flow.finish()
    server = result.captures / "server.pcap"
    before = verify_files([server])

    changed = Editable(server)
    changed.edit(MpPrio, backup=1)
    after = verify([changed.capture()])

    new = {each.sentence for each in after.findings} - {each.sentence for each in before.findings}
    assert before.verdict is after.verdict is Verdict.VERIFIED, str(before)
    assert not any("backup" in each.sentence for each in before.findings)
    assert len(new) == 1
    assert "wants it as a backup" in new.pop()
