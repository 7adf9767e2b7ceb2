"""``mptcpapi run`` on a terminal: a shell with job control, and Ctrl-C."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EOPNOTSUPP
from pathlib import Path

import pytest

RUN = [sys.executable, "-m", "mptcpapi", "run", "--no-upgrade"]
PATIENCE = 30.0

pytestmark = [
    pytest.mark.skipif(not shutil.which(program), reason=f"{program} is missing")
    for program in ("bash", "setsid")
]


class Terminal:
    """A person at a terminal."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._seen = ""
        self.before = ""
        """What stood between the last text that was waited for, and the one before."""

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until the text comes, behind what was waited for before."""
        deadline = time.monotonic() + PATIENCE
        while text not in self._seen:
            left = max(0, deadline - time.monotonic())
            assert select.select([self._fd], [], [], left)[0], f"no {text!r} in {self._seen!r}"
            self._seen += os.read(self._fd, 4096).decode(errors="replace")
        self.before, _, self._seen = self._seen.partition(text)


CAREFUL = """
import signal, socket
interrupted = []
signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
print("ready> ", end="", flush=True)
while not interrupted:
    signal.pause()
try: socket.socket().getsockopt(6, 66, 100)
except OSError as e: print("errno", e.errno)
"""


@contextmanager
def at_a_terminal(*command: str) -> Iterator[tuple[Terminal, "subprocess.Popen[bytes]"]]:
    """Run a command on a terminal of its own, until it says that it is ready, and on."""
    ours, theirs = pty.openpty()
    whole = ["setsid", "--ctty", *RUN, "--", *command]
    environment = os.environ | {"PS1": "ready> ", "HISTFILE": os.devnull, "TERM": "dumb"}
    with subprocess.Popen(whole, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as (
        process
    ):
        os.close(theirs)
        terminal = Terminal(ours)
        try:
            terminal.wait_for("ready> ")
            yield terminal, process
        finally:
            process.kill()
            os.close(ours)


def test_stopping_going_on_and_interrupting() -> None:
    with at_a_terminal("bash", "--norc", "--noediting", "-i") as (terminal, process):
        terminal.type("bash -c 'echo r''unning; exec cat'\n")
        terminal.wait_for("running\r\n")
        terminal.type("one\n")
        terminal.wait_for("one\r\none\r\n")
        terminal.type("\x1a")  # Ctrl-Z
        terminal.wait_for("Stopped")
        terminal.wait_for("ready> ")
        terminal.type("fg\n")
        terminal.wait_for("exec cat'\r\n")
        terminal.type("two\n")
        terminal.wait_for("two\r\ntwo\r\n")
        terminal.type("\x03")  # Ctrl-C
        terminal.wait_for("ready> ")
        terminal.type("echo status $?\n")
        terminal.wait_for("status 130")
        terminal.type("exit 5\n")

        assert process.wait(PATIENCE) == 5


@pytest.mark.skipif(not shutil.which("less"), reason="less is missing")
def test_a_program_that_has_the_whole_screen(tmp_path: Path) -> None:
    """It reads keys one by one, and is stopped and goes on as any other."""
    text = tmp_path / "text"
    text.write_text("".join(f"line {n} of the text\n" for n in range(100)))
    with at_a_terminal("bash", "--norc", "--noediting", "-i") as (terminal, _):
        terminal.type("stty rows 24 cols 80\n")
        terminal.wait_for("ready> ")
        terminal.type(f"LESS= TERM=vt100 less {text}\n")
        terminal.wait_for("line 0 of the text")
        terminal.type(" ")
        terminal.wait_for("line 30 of the text")
        terminal.type("\x1a")  # Ctrl-Z
        terminal.wait_for("Stopped")
        terminal.wait_for("ready> ")
        terminal.type("fg\n")
        terminal.wait_for("line 30 of the text")
        terminal.type("q")
        terminal.wait_for("ready> ")
        terminal.type("echo status $?\n")
        terminal.wait_for("status 0")


def test_ctrl_c_is_the_programs_affair() -> None:
    """One that goes on after it has its supervisor still."""
    with at_a_terminal(sys.executable, "-c", CAREFUL) as (terminal, process):
        terminal.type("\x03")
        terminal.wait_for("errno ")
        terminal.wait_for("\r\n")

        assert process.wait(PATIENCE) == 0
        assert terminal.before.strip() == str(EOPNOTSUPP)
