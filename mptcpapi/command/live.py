"""What the subflows of a connection do now: drawn on a terminal, below the connection's events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple

from rich.console import Console
from rich.live import Live
from rich.text import Text

import mptcpapi
from mptcpapi import TcpInfo
from mptcpapi.command import output
from mptcpapi.command.arguments import Target
from mptcpapi.command.looking import SUBFLOW_BLOCK, SUBFLOW_COLUMNS, subflow_row
from mptcpapi.deadline import Deadline

_INTERVAL = 0.5
"""Seconds between two drawings, and so those over which rates are measured."""
_FIGURES = ("rtt", "cwnd", "sending", "receiving")
_BLOCK = ((*SUBFLOW_BLOCK[0], *_FIGURES[:2]), SUBFLOW_BLOCK[1], _FIGURES[2:])


class Screen:
    """A terminal on which lines scroll up, and the subflows are drawn below them."""

    def __init__(self, screen: Live, target: Target) -> None:
        self._screen = screen
        self._target = target
        self._rates = _Rates()
        self._due = Deadline(0)

    def say(self, line: str) -> None:
        """Print a line above what is drawn."""
        self._screen.console.print(Text.from_ansi(line), soft_wrap=True)

    def draw(self) -> None:
        """Draw the subflows anew, as often as is of use."""
        if self._due.passed:
            self._due = Deadline(_INTERVAL)
            lines = "\n".join(_lines(self._target, self._rates))
            self._screen.update(Text.from_ansi(lines, no_wrap=True), refresh=True)


@contextmanager
def screen(target: Target) -> Iterator[Screen]:
    """Have a screen; at its end nothing is left of what was drawn."""
    console = Console(highlight=False)
    with Live(
        console=console, auto_refresh=False, transient=True,
        redirect_stdout=False, redirect_stderr=False,
    ) as live:  # fmt: skip
        console.show_cursor()  # no signal, SIGKILL included, can leave it hidden then
        yield Screen(live, target)


def _lines(target: Target, rates: _Rates) -> Iterator[str]:
    """No line where the connection has ended: its event comes soon."""
    try:
        with target.borrow() as connection:
            subflows = mptcpapi.subflow_details(connection)
            figures = [mptcpapi.tcp_info(connection, subflow) for subflow in subflows]
    except mptcpapi.UsageError:  # it, or a subflow of it
        return
    rows = [
        (*subflow_row(subflow), *rates.row(subflow.id, info))
        for subflow, info in zip(subflows, figures, strict=True)
    ]
    yield ""
    yield from output.table((*SUBFLOW_COLUMNS, *_FIGURES), rows, _BLOCK)


class _Count(NamedTuple):
    time: float
    """By the monotonic clock, in seconds."""
    sent: int
    received: int


class _Rates:
    """What each subflow carries, from one drawing to the next."""

    def __init__(self) -> None:
        self._counts: dict[int, _Count] = {}

    def row(self, subflow: int, info: TcpInfo) -> tuple[object, ...]:
        """The cells for _FIGURES."""
        now = _Count(monotonic(), info.bytes_sent, info.bytes_received)
        before = self._counts.get(subflow)
        self._counts[subflow] = now
        rates: tuple[object, ...] = (None, None)
        if before is not None:
            per_second = 8 / (now.time - before.time)
            carried = (now.sent - before.sent, now.received - before.received)
            rates = tuple(output.size(octets * per_second, "bit/s") for octets in carried)
        return (output.duration(info.rtt), info.snd_cwnd, *rates)
