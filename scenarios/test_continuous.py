"""What pytest tells continuous integration: JUnit's properties, annotations, a summary."""

import re
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.topology("two_paths")

SCENARIOS = """
def test_that_passes(flow):
    flow.wait_delivered("20 kB")


def test_that_fails(result):
    assert result is None, "a | b: 100 %"


def test_that_is_skipped(result):
    pytest.skip("no such kernel")


def test_whose_capture_is_gone(flow, capture, result):
    capture.at("server")
    (result.captures / "server.pcap").unlink()


@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail(result):
    assert result is None


def test_without_a_run():
    pass
"""

ENDED = {
    "test_that_passes": "passed",
    "test_that_fails": "failed",
    "test_that_is_skipped": "skipped",
    "test_whose_capture_is_gone": "invalid",
    "test_that_is_known_to_fail": "skipped",
}

SOMEWHERE = ("lab.run", "lab.commit")
"""Properties that depend on where the tests run; there may be no repository."""


def properties(file):
    """Of each test of a JUnit file."""
    cases = ElementTree.parse(file).iter("testcase")  # noqa: S314 - our own
    return {
        case.get("name"): {each.get("name"): each.get("value") for each in case.iter("property")}
        for case in cases
    }


@pytest.mark.parametrize("processes", ["0", "2"])
def test_everything_is_told_once(inner_pytest, result, monkeypatch, processes):
    """By the controller alone, with workers or without."""
    inner = result.directory / "inner"
    step, summary = inner / "step.md", inner / "summary.md"
    step.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(inner.parent))

    said = inner_pytest(SCENARIOS, "-n", processes, "--github", "--summary", str(summary),
                        f"--junitxml={inner}/junit.xml")  # fmt: skip

    assert said.status == 1
    commands = re.findall("^::.*", said.text, re.MULTILINE)
    failed, invalid, skipped = commands
    assert failed.startswith("::error file=inner/test_inner.py,line=")
    assert ",title=failed%3A test_inner.py%3A%3Atest_that_fails::" in failed
    assert "a | b: 100 %25%0A" in failed
    assert "title=invalid%3A test_inner.py%3A%3Atest_whose_capture_is_gone::" in invalid
    assert "%0AThe run is kept: " in invalid
    assert skipped.endswith("title=skipped::no such kernel%0Atest_inner.py::test_that_is_skipped")
    line = int(re.search(r"line=(\d+)", failed)[1])
    source = (inner / "test_inner.py").read_text("utf-8").splitlines()
    assert "assert result is None" in source[line - 1], "where it failed, not where it begins"
    told = summary.read_text("utf-8")
    counted = "1 failed, 1 invalid, 1 skipped, 1 failed as expected, 2 passed"
    assert told.startswith(f"# inner: {counted}\n")
    assert step.read_text("utf-8") == f"before\n{told}"


def test_junit_has_the_essentials_of_each_run(inner_pytest, result):
    """The verdict of all; the directory only of those that are kept."""
    file = result.directory / "inner" / "junit.xml"
    said = inner_pytest(SCENARIOS, f"--junitxml={file}", "--seed", "7", "--keep", "failed")

    found = properties(file)
    assert {name: told.get("lab.verdict") for name, told in found.items() if told} == ENDED
    assert found["test_without_a_run"] == {}
    kept = said.runs["test_that_fails"]
    there = found["test_that_fails"]
    assert {name: value for name, value in there.items() if name not in SOMEWHERE} == {
        "lab.verdict": "failed",
        "lab.seed": "7",
        "lab.topology": "two_paths",
        "lab.topology_sha256": kept["topology"]["sha256"],
        "lab.kernel": kept["kernel"]["release"],
    }
    assert there.get("lab.commit") == kept["git"]["commit"]
    assert there["lab.run"].startswith(str(said.results))
    assert "lab.run" not in found["test_that_passes"], "it was not kept"


def test_a_summary_that_cannot_be_written_is_told_before_any_test(inner_pytest):
    """As a mistake in the command line."""
    said = inner_pytest("def test_it(): pass", "--summary", "nowhere/summary.md")

    assert said.status == 4
    assert "no summary in nowhere/summary.md: No such file or directory" in said.text
    assert "test_it PASSED" not in said.text


def test_a_file_that_cannot_be_collected_is_annotated(inner_pytest):
    """No test of it was run, so no report of a test says so."""
    said = inner_pytest("import nowhere_to_be_found", "--github")

    (command,) = re.findall("^::.*", said.text, re.MULTILINE)
    assert command.startswith("::error file=test_inner.py,line=1,title=failed%3A test_inner.py::")
    assert "nowhere_to_be_found" in command
