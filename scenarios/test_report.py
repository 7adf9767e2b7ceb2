"""``mptcp-lab report``: the page of a run that has just been made."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.topology("two_paths")


@pytest.fixture
def lab(request, result):
    """Run ``mptcp-lab`` in the present sandbox, and return what it prints."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "lab.start", *map(str, arguments)],
            cwd=request.config.rootpath, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    return run


def test_the_page_of_the_demonstration(lab, result):
    """It shows what the scenario did, what the kernels said, and what both wires carried."""
    store = result.directory / "demo"
    lab("demo", "--results", store)
    (run,) = store.iterdir()

    assert lab("report", run).strip() == str(run / "report.html")

    page = (run / "report.html").read_text(encoding="utf-8")
    for figure in ("figure-lanes", "figure-goodput-0", "figure-sequence-0", "figure-rtt-0"):
        assert f'<figure id="{figure}">' in page
    for word in (
        "<strong>passed</strong>", ">2 lte</text>", "MP_JOIN: address id",
        "MP_PRIO: use this subflow only if no other is left", "set_backup", "SUB_PRIORITY",
        '<span class="good">verified</span>', "wireshark -r captures/client.pcap",
    ):  # fmt: skip
        assert word in page, word
    assert "this part cannot be shown" not in page
