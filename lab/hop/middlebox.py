"""A hop with middleboxes: a process that passes frames between two veth pairs.

::

    left ~ leftbox | relay | rightbox ~ right

The relay ends with its input, and so with the lab, however that ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from lab import netns
from lab.answers import next_answer
from lab.errors import InvalidRun, Unsupported
from lab.hop.ended import was_killed
from lab.interfaces import add_pair, complete_checksums
from lab.middlebox.kinds import Declared

START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from lab.middlebox.relay import main; sys.exit(main())"
)
"""How Python starts the relay without site-packages: 0.1 s earlier."""

ROOT = Path(__file__).parents[2]
"""The directory of the package ``lab``."""

PATIENCE = 10.0
"""seconds until a relay that does not answer counts as broken; usually it takes milliseconds."""


class Middleboxes:
    """Boxes of both directions, each in the order in which its packets meet them."""

    shapes = False

    def __init__(self, there: Sequence[Declared], back: Sequence[Declared]) -> None:
        self._boxes = json.dumps({"there": there, "back": back})
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()

    def make(self, netlink: IPRoute, left: str, right: str) -> None:
        """Make both pairs, and start the relay between them.

        :raises Unsupported: it does not start.
        :raises InvalidRun: it was killed.
        """
        with netns.opened() as here:
            for name in (left, right):
                add_pair((name, here), (_inner(name), here))
                complete_checksums((name, here))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", START, ROOT, _inner(left), _inner(right),
             self._boxes],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
        )  # fmt: skip
        try:
            self._answer("ready")
        except InvalidRun as problem:
            killed = was_killed(self._process)
            self.stop()
            if killed:
                raise
            raise Unsupported(f"middleboxes do not start: {problem}") from problem

    def acted(self) -> tuple[int, ...]:
        """How many segments each box did not let pass as they were: those there, then those back.

        :raises InvalidRun: the relay is gone.
        """
        return tuple(self._counters()["acted"])

    def trouble(self) -> str | None:
        """Why packets were lost that no box has dropped; None while all is well."""
        if self._process is None:
            return None
        try:
            return _losses(self._counters())
        except InvalidRun as problem:
            return str(problem)

    def stop(self) -> None:
        """End the relay."""
        process, self._process = self._process, None
        if process:
            process.kill()
            with process:
                pass

    def _counters(self) -> Mapping[str, Any]:
        process = self._process
        if process is None or process.stdin is None:
            raise InvalidRun("the relay was stopped")
        with self._asking:  # a timeline asks from a thread of its own
            with suppress(BrokenPipeError):  # its last words say why
                process.stdin.write(b"\n")
            return self._answer("acted")

    def _answer(self, key: str) -> Mapping[str, Any]:
        process = self._process
        if process is None or process.stdout is None:
            raise InvalidRun("the relay was stopped")
        try:
            return next_answer(
                process.stdout, key, PATIENCE, ended="it was killed", late="it answered too late"
            )
        except TimeoutError:
            raise InvalidRun(
                f"the relay of middleboxes did not answer for {PATIENCE:g} s"
            ) from None
        except EOFError as reason:
            raise InvalidRun(f"the relay of middleboxes ended: {reason}") from None


def _inner(name: str) -> str:
    """The relay's interface of the pair."""
    return f"{name}box"


def _losses(counters: Mapping[str, Any]) -> str | None:
    """What was lost; the kernel or the interface has counted it."""
    for side in ("first", "second"):
        dropped, unsent = counters[side]["dropped"], counters[side]["unsent"]
        if dropped or unsent:
            return (
                f"middleboxes lost {dropped} frames that came faster than they pass, or longer "
                f"than the link's MTU, and could not send {unsent}"
            )
    return None
