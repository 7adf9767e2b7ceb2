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


@pytest.mark.topology(HANDOVER)
def test_that_needs_delay(flow):
    raise AssertionError("it was run without the delay")


@pytest.mark.topology("mistaken.yaml")
def test_of_a_mistaken_file(net):
    raise AssertionError("it was run all the same")
"""

MISTAKEN = """topology: 1
name: mistaken
hosts: {client: {}}
lnks: {}
"""


def test_each_end_is_told_apart(inner_pytest):
    """Passed, failed, skipped, invalid; and a mistake in a file."""
    said = inner_pytest(SCENARIOS, files={"mistaken.yaml": MISTAKEN})

    for expected in (
        r"::test_that_passes PASSED",
        r"::test_that_fails FAILED",
        r"::test_that_needs_delay SKIPPED",
        r"::test_whose_capture_dies INVALID",
        r"::test_of_a_mistaken_file ERROR",
        r"expected one MpPrio at server, saw 0; the capture has \{MpCapable: 4, Dss: \d+\}",
        r"look at it: \S+ show results/\S+-test-that-fails-",
        r"link 'wifi' declares delay, which this version cannot emulate yet",
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
