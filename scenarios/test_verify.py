"""What the hosts of a scenario put on the wire keeps to the protocol (RFC 8684)."""

import os
import socket
import subprocess
import sys

import pytest

from lab import capture as captures
from lab.verify import Severity, Verdict

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


INNER = """
import pytest

from lab.wire import keys


@pytest.mark.topology({two_paths!r})
def test_with_an_open_subflow(flow):
    flow.wait_delivered("20 kB")
    flow.open_subflow("lte")


@pytest.mark.topology({two_paths!r})
def test_judged_by_another_hmac(flow, monkeypatch):
    flow.wait_delivered("20 kB")
    flow.open_subflow("lte")
    monkeypatch.setattr(keys, "join_hmac", lambda *_: bytes(32))
"""


def test_a_violation_fails_its_scenario_if_asked_to(request, result):
    """``--verify`` judges each scenario's captures at its end; here by an HMAC that is wrong."""
    two_paths = str(request.config.rootpath / "topologies" / "two_paths.yaml")
    inner = result.directory / "inner"
    inner.mkdir()
    (inner / "test_inner.py").write_text(INNER.format(two_paths=two_paths), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--verify", "-v", "-p", "lab.plugin",
               "-p", "no:cacheprovider", "--rootdir", inner, "--results", inner / "results",
               "test_inner.py"]  # fmt: skip
    done = subprocess.run(
        command, cwd=inner, capture_output=True, text=True, check=False,
        env=os.environ | {"COLUMNS": "300"},
    )  # fmt: skip

    assert "::test_with_an_open_subflow PASSED" in done.stdout, done.stdout
    assert "::test_judged_by_another_hmac FAILED" in done.stdout, done.stdout
    assert "ScenarioFailed: violation: " in done.stdout, done.stdout
    assert "fixtures.py" not in done.stdout, "frames of the lab tell the author nothing"
