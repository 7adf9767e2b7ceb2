"""Ctrl-C ends both commands without a word, also while they start."""

import subprocess
import sys

import pytest

INTERRUPTED_AT = """
import importlib.abc, os, signal, sys
signal.signal(signal.SIGINT, {handler})

class Loses:
    def __del__(self):  # as where Python lets a module's lock go: an exception is shown, and lost
        os.kill(os.getpid(), signal.SIGINT)

class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            Loses()

sys.meta_path.insert(0, Interrupt())
from {package}.start import main
sys.argv = ["", "--version"]
main()
"""


@pytest.mark.parametrize(
    ("package", "module"),
    [
        ("mptcpapi.command", "mptcpapi.command.cli"),
        ("mptcpapi.command", "mptcpapi.facade"),
        ("mptcpapi.command", "mptcpapi.connection"),
        ("mptcpapi.command", "click"),
        ("lab", "lab.cli"),
        ("lab", "click"),
    ],
)
def test_ctrl_c_while_it_starts(package: str, module: str) -> None:
    handler = "signal.default_int_handler"
    program = INTERRUPTED_AT.format(handler=handler, package=package, module=module)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_ctrl_c_is_ignored_where_the_shell_says_so() -> None:
    program = INTERRUPTED_AT.format(
        handler="signal.SIG_IGN", package="mptcpapi.command", module="click"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


def test_what_takes_a_while_is_imported_when_ctrl_c_is_taken_care_of() -> None:
    program = "import sys, mptcpapi.command.start; print(*(m for m in sys.modules if 'mptcp' in m))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    loaded = {name for name in done.stdout.split() if not name.startswith("__editable__")}
    assert loaded == {"mptcpapi", "mptcpapi.command", "mptcpapi.command.start"}
