"""A hop that is VDE's wirefilter(1) between two tap devices.

One process, which opens both taps itself. Its console, standard input and output, is how it is told
what to do while packets pass; at the end of its input it ends, and so it does with the lab.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from pyroute2 import IPRoute

from lab.errors import InvalidRun, Unsupported
from lab.hop.ended import status_of, was_killed
from lab.hop.kind import Course
from lab.hop.wirefilter_terms import NOTHING, Terms, check
from lab.interfaces import ONE_SEGMENT, index_of
from lab.model import Direction
from lab.waiting import readable

PROMPT = b"VDEwf$ "
"""Written after each answer."""

PATIENCE = 10.0
"""seconds until a process that does not answer counts as broken; usually it takes milliseconds."""

ROOM = 100_000
"""packets that a tap keeps until they are read: more than come while its reader waits for a
processor, since a packet that is lost there was lost by no declared impairment."""


class Wirefilter:
    """The process, and the taps that exist as long as it does."""

    shapes = False

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()

    def make(self, netlink: IPRoute, left: str, right: str) -> None:
        """Start it; its first answer says that both taps are open and packets are waited for.

        :raises Unsupported: it does not start.
        :raises InvalidRun: it was killed.
        """
        with tempfile.TemporaryDirectory() as directory:
            plugs = [_plug(Path(directory), tap) for tap in (left, right)]
            self._start(":".join(plugs))
        self._tell(self._terms)
        for tap in (left, right):
            index = index_of(netlink, tap)
            netlink.link("set", index=index, txqlen=ROOM, **ONE_SEGMENT)

    def _start(self, plugs: str) -> None:
        self._process = subprocess.Popen(
            ["wirefilter", "-v", plugs],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
        )  # fmt: skip
        _put_first(self._process.pid)
        try:
            self._ask("showinfo")
        except InvalidRun as problem:
            killed = was_killed(self._process)
            self.stop()
            if killed:
                raise InvalidRun(f"wirefilter was killed while it started: {problem}") from problem
            raise Unsupported(f"wirefilter does not start: {problem}") from problem

    def check(self, link: str, course: Course) -> None:
        """See that it can do exactly what the link is to declare, each after the other."""
        terms = self._terms
        for ways in course:
            for direction in ways:
                check(link, direction)
            terms = terms.changed(*ways)

    def change(self, there: Direction, back: Direction) -> None:
        """Tell it what to do from now on.

        :raises Unsupported: it cannot, with what it was started for.
        :raises InvalidRun: it is gone.
        """
        self._terms = self._terms.changed(there, back)
        self._tell(self._terms)

    def neutralise(self) -> None:
        """Have it pass packets on and do nothing else, whatever is declared.

        For tests of tests: what measures an impairment must notice that.
        """
        self._tell(self._terms.changed(NOTHING, NOTHING))

    def _tell(self, terms: Terms) -> None:
        for command in terms.commands():
            self._ask(command)

    def trouble(self) -> str | None:
        """Say so if the process does not answer: one that was killed may not have ended yet."""
        process = self._process
        if process is None:
            return None
        try:
            self._ask("showinfo")
        except InvalidRun as problem:
            status = status_of(process)
            if status is None:
                return f"wirefilter does not do what it is told: {problem}"
            return f"wirefilter ended with status {status} while packets passed it"
        return None

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            with self._process:
                pass
            self._process = None

    def _ask(self, command: str) -> str:
        """Give it a command and return the answer.

        :raises InvalidRun: it is gone, silent, or refuses.
        """
        process = self._process
        assert process and process.stdin and process.stdout  # noqa: S101, PT018 - for the type
        with self._asking:  # a timeline asks from a thread of its own
            with suppress(BrokenPipeError):  # its last words say more
                process.stdin.write(f"{command}\n".encode())
            answer = _read_answer(process.stdout.fileno())
        if "1000 Success" not in answer:
            raise InvalidRun(f"it answers {command!r} with: {_first_line(answer)}")
        return answer


def _put_first(process: int) -> None:
    """Let it run as soon as a packet is due, however busy the machine is.

    Without the privilege it waits for its turn: then delays are as exact as the machine is idle.
    """
    with suppress(PermissionError):
        os.sched_setscheduler(process, os.SCHED_FIFO, os.sched_param(1))


def _plug(directory: Path, tap: str) -> str:
    """A file that names a tap.

    vde_open_real() (libvdeplug.c) reads the address of a network from a file; written out, it would
    contain the colon that wirefilter takes for the end of its first argument.
    """
    path = directory / tap
    path.write_text(f"tap://{tap}\n", encoding="ascii")
    return str(path)


def _read_answer(output: int) -> str:
    """What it says until it waits for the next command, or ends."""
    heard = b""
    deadline = time.monotonic() + PATIENCE
    while not heard.endswith(PROMPT):
        if not readable([output], deadline - time.monotonic()):
            raise InvalidRun(f"no answer in {PATIENCE:g} s")
        said = os.read(output, 4096)
        if not said:
            break
        heard += said
    return heard.decode(errors="replace")


def _first_line(answer: str) -> str:
    return next(filter(None, map(str.strip, answer.splitlines())), "(nothing)")
