"""Pytest outside its sandbox: what it says of the pytest inside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.topology("two_paths")


@pytest.fixture
def outer_pytest(result):
    """Run tests in a pytest that starts another one in a sandbox of its own."""
    inner = result.directory / "inner"
    inner.mkdir()

    def run(tests, *options, command=("-m", "pytest")):
        (inner / "test_inner.py").write_text(tests, encoding="utf-8")
        return subprocess.run(
            [sys.executable, *command, "-p", "lab.plugin", "-p", "no:cacheprovider",
             "--rootdir", inner, *options, "test_inner.py"],
            cwd=inner, capture_output=True, text=True, check=False,
            env={k: v for k, v in os.environ.items() if k != "MPTCP_LAB_SANDBOX"},
        )  # fmt: skip

    return run


def test_a_test_that_ends_the_whole_process(outer_pytest):
    """It leaves status 0, which the pytest outside does not take for a pass."""
    done = outer_pytest("import os\n\ndef test_it(): os._exit(0)\n")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: pytest did not come to its end: something in a test ended" in done.stderr


@pytest.mark.parametrize("option", ["--results", "--junitxml"])
def test_files_where_a_sandbox_has_its_own(outer_pytest, option):
    """What is written there would vanish: it is refused before anything runs."""
    hidden = Path("/dev/shm/nowhere")  # noqa: S108
    done = outer_pytest("def test_it(): raise AssertionError\n", f"{option}={hidden}")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {hidden} is below /dev/shm, where a sandbox has files of its" in done.stderr
    assert "AssertionError" not in done.stdout


IN_A_THREAD = """
import sys, threading, pytest
thread = threading.Thread(target=lambda: print("status", pytest.main(sys.argv[1:])))
thread.start()
thread.join()  # Python 3.12 lets nothing fork once the main thread is at its end
"""


def test_pytest_in_a_thread(outer_pytest):
    """Only a main thread can say what Ctrl-C does; any other enters a sandbox all the same."""
    done = outer_pytest(
        "from lab import sandbox\n\ndef test_it(): assert sandbox.inside()\n",
        command=("-c", IN_A_THREAD),
    )

    assert "status 0" in done.stdout, done.stderr
