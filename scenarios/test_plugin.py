"""What pytest says of scenarios that cannot be judged, cannot be run, or fail."""

import re

import pytest

pytestmark = pytest.mark.topology("two_paths")

SCENARIOS = """
def test_that_passes(client, result):
    assert client.run("true") == ""


def test_that_fails(flow, capture):
    flow.wait_delivered("20 kB")
    capture.at("server").only(MpPrio)


def test_whose_capture_dies(flow, capture):
    flow.wait_delivered("20 kB")
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        if b"server.pcap" in process.read_bytes():
            os.kill(int(process.parent.name), signal.SIGKILL)


@pytest.mark.topology("fraction.yaml")
def test_that_needs_delay(flow):
    raise AssertionError("it was run without the delay")


@pytest.mark.topology("mistaken.yaml")
def test_of_a_mistaken_file(net):
    raise AssertionError("it was run all the same")
"""

FRACTION = """topology: 1
name: fraction
hosts: {client: {}, server: {}}
links:
  wifi: {ends: [client:wifi, server:wifi], subnet: 10.0.1.0/24, delay: 500 us}
"""
"""Less than the millisecond that wirefilter counts in."""

MISTAKEN = """topology: 1
name: mistaken
hosts: {client: {}}
lnks: {}
"""


def test_each_end_is_told_apart(inner_pytest):
    """Passed, failed, skipped, invalid; and a mistake in a file."""
    said = inner_pytest(
        SCENARIOS, "--backend", "wirefilter",
        files={"mistaken.yaml": MISTAKEN, "fraction.yaml": FRACTION},
    )  # fmt: skip

    for expected in (
        r"::test_that_passes PASSED",
        r"::test_that_fails FAILED",
        r"::test_that_needs_delay SKIPPED",
        r"::test_whose_capture_dies INVALID",
        r"::test_of_a_mistaken_file ERROR",
        r"expected one MpPrio at server, saw 0; the capture has \{MpCapable: 4, Dss: \d+\}",
        r"look at it: \S+ show results/\S+-test-that-fails-",
        r"link .wifi. declares a delay of 500 us, and wirefilter counts whole",
        r"the capture at server is not complete: its recorder ended",
        r"mistaken\.yaml:4:1: unknown key 'lnks' \(did you mean 'links'\?",
        r"1 failed, 1 passed, 1 skipped, 1 error, 1 invalid",
    ):
        assert re.search(expected, said.text), f"{expected!r} is not in:\n{said.text}"
    assert "fixtures.py" not in said.text, "frames of the lab tell the author of a scenario nothing"
    verdicts = {name: run["verdict"] for name, run in said.runs.items()}
    assert verdicts == {
        "test_that_passes": "passed",
        "test_that_fails": "failed",
        "test_whose_capture_dies": "invalid",
        "test_that_needs_delay": "skipped",
    }


def test_what_xfail_excuses(inner_pytest):
    """A failure of the scenario; not evidence that is missing, nor an experiment never made."""
    said = inner_pytest("""
        pytestmark = [pytest.mark.topology(TWO_PATHS), pytest.mark.xfail(strict=False)]

        def test_failing(flow, capture):
            capture.at("server").only(MpPrio)

        def test_invalid(flow, capture, result):
            capture.at("server")
            (result.captures / "server.pcap").unlink()

        @pytest.mark.topology("nowhere")
        def test_mistaken(flow):
            pass
    """)

    assert "::test_failing XFAIL" in said.text
    assert "::test_invalid INVALID" in said.text
    assert "::test_mistaken ERROR" in said.text
    assert "1 xfailed, 1 error, 1 invalid" in said.text
    assert said.runs["test_invalid"]["verdict"] == "invalid"
    assert said.status == 1


def test_a_run_that_was_only_set_up_passed_nothing(inner_pytest):
    """With --setup-only, the manifest says that the test was not run."""
    said = inner_pytest("def test_it(flow): pass", "--setup-only")

    assert said.status == 0
    run = said.runs["test_it"]
    assert (run["verdict"], run["reason"]) == ("incomplete", "the test was not run")


MISUSED = {
    'topology("two_path")': r"no topology 'two_path' in \S+ \(did you mean 'two_paths'\?",
    'topology("x" * 300)': r"no topology 'x{39}… in \S+ \(known: two_paths\)",
    'topology("a", "b")': r"topology\('a', 'b'\): it takes one name or path, as in",
    'topology(name="two_paths")': r"topology\(name='two_paths'\): it takes one name or path, as",
    'flow("server")': r"flow\('server'\): it takes keywords only \(known: sender, server_protoc",
    'flow(sendr="server")': r"flow\(sendr='server'\): unknown 'sendr' \(did you mean 'sender'\?",
    'flow(sender="nobody")': r"the sender of a flow cannot be 'nobody' \(known: 'client', 'server'",
    "flow(server_protocol=17)": r"the server_protocol of a flow cannot be 17 \(known: ",
    "violates()": r"violates\(\): it takes parts of the verifier's sentences, as in",
    'parametrize("family", ["ipv5"])': r"the family of a flow cannot be 'ipv5' \(known: 'ipv4', ",
}


def test_markers_that_ask_for_what_there_is_not(inner_pytest, request):
    """Each is an error in one sentence, which names what is known."""
    scenarios = [
        f"@pytest.mark.{marker}\ndef test_{number}(flow): raise AssertionError('it was run')\n"
        for number, marker in enumerate(MISUSED)
    ]
    topologies = request.config.rootpath / "topologies"
    said = inner_pytest(
        "\n".join(scenarios),
        files={"topologies/two_paths.yaml": (topologies / "two_paths.yaml").read_text("utf-8")},
    )

    for expected in MISUSED.values():
        assert re.search(expected, said.text), f"{expected!r} is not in:\n{said.text}"
    assert f"{len(MISUSED)} errors" in said.text
    assert "Traceback" not in said.text
    assert "fixtures.py" not in said.text


PLANTED = """
from lab.peer import Peer

@pytest.fixture
def fault(client, server, request, result):
    with server.stack(), mptcpapi.create_server(("10.0.9.2", 5001)):
        with Peer(client, result) as peer:
            connection = peer.connect(("10.0.9.2", 5001))
            wrong = connection.add_addr(3, "10.0.2.1")
            wrong.hmac = bytes(8)
            yield lambda: connection.first.send(wrong)

@pytest.mark.violates("the HMAC of ADD_ADDR is 0000")
def test_found(capture, fault): fault()

@pytest.mark.violates("the HMAC of ADD_ADDR is 0000")
def test_absent(capture, fault): pass

@pytest.mark.violates("the HMAC of the SYN/ACK")
def test_another(capture, fault): fault()

@pytest.mark.violates("the HMAC of ADD_ADDR is 0000")
def test_not_captured(fault): fault()
"""


def test_violations_on_purpose(inner_pytest):
    """The violations that a scenario announces must be in its captures, and no others."""
    said = inner_pytest(PLANTED)

    assert {name: run["verdict"] for name, run in said.runs.items()} == {
        "test_found": "passed", "test_absent": "failed", "test_another": "failed",
    }, said.text  # fmt: skip
    assert "expected a violation 'the HMAC of ADD_ADDR is 0000', which was not found; " in said.text
    assert "ScenarioFailed: violation: the HMAC of ADD_ADDR is 0000000000000000, exp" in said.text
    assert "0000'): without the fixture 'capture' nothing is verified" in said.text


def test_sysctls_that_are_not_known(inner_pytest):
    """A host names the setting that its kernel does not know, or does not take."""
    said = inner_pytest("""
        def test_it(client):
            client.set_sysctls({"net.mptcp.enabled": "0"})
            with pytest.raises(UsageError, match="the kernel refuses net.mptcp.pm_type='x'"):
                client.set_sysctls({"net.mptcp.pm_type": "x"})
            client.set_sysctls({"net.mptcp.enabld": "1"})
    """)

    assert "client: this kernel has no sysctl 'net.mptcp.enabld'" in said.text
    assert "host.py" not in said.text, "frames of the lab tell the author of a scenario nothing"
    assert said.status == 1


def test_a_machine_without_mininet(inner_pytest):
    """What make setup installs is missing: that is an error, for a skip would pass everything."""
    said = inner_pytest("""
        os.environ["PATH"] = "/nowhere"

        def test_it(client):
            raise AssertionError("it was run")
    """)

    assert "mnexec, ifconfig not found in PATH: make setup installs what is missing" in said.text
    assert "1 error" in said.text
    assert said.status == 1


def test_a_machine_without_multipath_tcp(inner_pytest):
    """The error of a fixture is the sentence of the API, without the lines that led there."""
    said = inner_pytest("""
        @pytest.fixture
        def off(client, server):
            client.set_sysctls({"net.mptcp.enabled": "0"})

        def test_it(off, flow):
            raise AssertionError("it was run")
    """)

    assert "no MPTCP socket can be made: MPTCP is off in this network namespace" in said.text
    assert "connection.py" not in said.text
    assert said.status == 1
