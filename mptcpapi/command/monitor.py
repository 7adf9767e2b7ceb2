"""``monitor``: what the kernel says of connections, as it happens."""

from __future__ import annotations

import math
import os
import select
import sys
from collections.abc import Iterator
from datetime import datetime
from errno import EPIPE

import click
from rich.console import Console
from rich.text import Text

import mptcpapi
from mptcpapi import Event, EventKind, EventStream
from mptcpapi.command import output
from mptcpapi.command.arguments import Target, connection_argument, examples, shared
from mptcpapi.command.start import INTERRUPTED
from mptcpapi.deadline import Deadline

_A_DAY = 86_400.0
_WIDTHS = {"time": 12, "event": 16, "token": 8, "subflow": 42, "about it": 0}


@click.command(
    epilog=examples(
        "mptcpapi monitor",
        "mptcpapi monitor 8591ee50 --seconds 60 --json",
    )
)
@connection_argument(required=False)
@click.option(
    "--seconds", type=click.FloatRange(0, _A_DAY), metavar="N", help="Stop after so many."
)
@shared
@click.pass_context
def monitor(
    ctx: click.Context, target: Target | None, seconds: float | None, as_json: bool
) -> None:
    """Print events as they happen.

    Of one connection until it ends, or of all, until Ctrl-C. Those of one connection begin with
    the subflows that it has already.
    """
    try:
        with _stream(target) as events:
            show = output.show_json if as_json else _Rows().show
            for event in _follow(events, seconds):
                show(event)
                if target is not None and event.kind is EventKind.CLOSED:
                    return
    except KeyboardInterrupt:
        ctx.exit(INTERRUPTED)


def _stream(target: Target | None) -> EventStream:
    if target is None:
        return EventStream.of_namespace()
    with target.borrow() as connection:  # and given back, so that its owner can close it
        return EventStream.of_connection(connection, seed=True)


def _follow(events: EventStream, seconds: float | None) -> Iterator[Event]:
    deadline = None if seconds is None else Deadline(seconds)
    while True:
        try:
            event = events.next(0)
        except mptcpapi.EventsLost as lost:
            click.echo(f"warning: {lost.strerror}", err=True)
            continue
        if event is not None:
            yield event
        elif deadline is not None and deadline.passed:
            return
        else:
            _wait(events, math.inf if deadline is None else deadline.left)


def _wait(events: EventStream, seconds: float) -> None:
    """Until there may be an event; whoever reads our output may go away meanwhile."""
    seconds = min(seconds, events.LOOKUP_INTERVAL)
    poll = select.poll()
    poll.register(events, select.POLLIN)
    if sys.stdout is not None:
        poll.register(sys.stdout, 0)  # errors are told anyway
    for descriptor, _ in poll.poll(math.ceil(seconds * 1000)):
        if descriptor != events.fileno():
            raise BrokenPipeError(EPIPE, os.strerror(EPIPE))


class _Rows:
    """Events as rows, below the names of the columns."""

    def __init__(self) -> None:
        self._console = Console() if output.is_terminal() else None
        self._print(tuple(_WIDTHS), header=True)

    def show(self, event: Event) -> None:
        """One event."""
        moment = datetime.fromtimestamp(event.received).strftime("%H:%M:%S.%f")[:12]
        token = "-" if event.token is None else f"{event.token:08x}"
        subflow = output.ends(event.local, event.remote) or "-"
        self._print((moment, event.kind.name, token, subflow, _about(event)))

    def _print(self, cells: tuple[str, ...], *, header: bool = False) -> None:
        if self._console is None:
            click.echo(output.columns(cells, _WIDTHS.values()))
            return
        line = Text()
        for cell, width in zip(cells, _WIDTHS.values(), strict=True):
            part = output.styled(cell)
            part.append(" " * (width - len(cell) + 2))
            line.append_text(part)
        if header:
            line.stylize("bold")
        self._console.print(line, soft_wrap=True)


def _about(event: Event) -> str:
    """What else is known, in words."""
    known = []
    if event.backup:
        known.append("backup")
    if event.error:
        known.append(os.strerror(event.error))
    if event.reset_reason is not None:
        known.append(f"reset reason {event.reset_reason}")
    if event.server_side is not None:
        known.append("accepted" if event.server_side else "connected")
    if event.inferred:
        known.append("inferred")
    return ", ".join(known)
