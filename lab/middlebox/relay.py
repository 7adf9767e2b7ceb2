"""Pass frames between two interfaces of the present network namespace, through middleboxes.

A program of its own, started in the wire of a link with the names of two interfaces and the boxes
of each direction in JSON. It prints one JSON object a line, as the recorder does: first
``{"ready": true}``, when the next frame would pass; for each line that it reads, and at the end of
its input, its counters: ``{"acted": […], "first": {…}, "second": {…}}``. When it cannot go on, it
prints ``{"error": …}`` and ends.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

from lab.middlebox.kinds import Declared
from lab.middlebox.line import BACK, THERE, Line, Sent
from lab.middlebox.ring import Ring

BURST = 64
"""frames of one direction before the other has its turn"""


class Relay:
    """A line of boxes between two rings."""

    def __init__(self, line: Line, first: Ring, second: Ring) -> None:
        self._line = line
        self._from = {THERE: first, BACK: second}
        self._towards = {THERE: second, BACK: first}

    def run(self, requests: int) -> None:
        """Pass on frames until the end of ``requests``, a descriptor."""
        poll = select.poll()
        for descriptor in (requests, *(ring.fileno() for ring in self._from.values())):
            poll.register(descriptor, select.POLLIN)
        open_ended = True
        while open_ended:
            ready = {descriptor for descriptor, _ in poll.poll(self._patience())}
            for direction, ring in self._from.items():
                now = time.monotonic()
                for frame in ring.frames(BURST):
                    self._send(self._line.passes(frame, direction, now))
            self._send(self._line.overdue(time.monotonic()))
            if requests in ready:
                open_ended = self._answer(os.read(requests, 1024))

    def _patience(self) -> float | None:
        """Milliseconds until a box lets something go that it holds."""
        deadline = self._line.deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000

    def _send(self, frames: Iterable[Sent]) -> None:
        for direction, frame in frames:
            self._towards[direction].send(frame)

    def _answer(self, asked: bytes) -> bool:
        """Tell the counters as often as asked; whether more questions can come."""
        for _ in range(asked.count(b"\n") or not asked):
            say(
                acted=self._line.acted,
                first=self._from[THERE].counters()._asdict(),
                second=self._from[BACK].counters()._asdict(),
            )
        return bool(asked)


def say(**values: Any) -> None:
    """Print one line for the lab."""
    print(json.dumps(values), flush=True)  # noqa: T201


def line_of(declared: Mapping[str, Any]) -> Line:
    """The boxes of both directions, from what JSON holds."""
    there, back = ([Declared(*each) for each in declared[way]] for way in ("there", "back"))
    return Line(there, back)


def main() -> int:
    """Pass frames on, or say why not."""
    # Ctrl-C is for the lab, which ends the input of this program.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first, second, boxes = sys.argv[1:]
    try:
        line = line_of(json.loads(boxes))
        with Ring(first) as one, Ring(second) as other:
            say(ready=True)
            Relay(line, one, other).run(sys.stdin.fileno())
    except OSError as problem:
        say(error=str(problem))
        return 1
    return 0
