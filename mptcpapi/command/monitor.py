"""``monitor``: what the kernel says of connections, as it happens."""

from __future__ import annotations

import math
import os
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from errno import EPIPE
from typing import TYPE_CHECKING

import click

import mptcpapi
from mptcpapi import Event, EventKind, EventStream
from mptcpapi.command import output
from mptcpapi.command.arguments import (
    Target,
    connection_argument,
    examples,
    seconds_option,
    shared,
)
from mptcpapi.command.start import INTERRUPTED
from mptcpapi.deadline import Deadline

if TYPE_CHECKING:
    from mptcpapi.command.live import Screen

_WIDTHS = (12, 15, 8)


@click.command(
    epilog=examples(
        "mptcpapi monitor",
        "mptcpapi monitor 8591ee50 --seconds 60 --json",
    )
)
@connection_argument(required=False)
@seconds_option("--seconds", help="Stop after so many.")
@shared
@click.pass_context
def monitor(
    ctx: click.Context, target: Target | None, seconds: float | None, as_json: bool
) -> None:
    """Print events as they happen.

    Of one connection until it ends, or of all, until Ctrl-C. Those of one connection begin with
    the subflows that it has already. On a terminal what these do now is drawn below.
    """
    try:
        with _stream(target) as events, _screen(None if as_json else target) as screen:
            if not as_json:
                screen.say(output.heading(_row(("time", "event", "token"), "subflow", "about it")))
            for event in _follow(events, seconds):
                screen.draw()
                if event is None:
                    continue
                screen.say(output.as_json(event) if as_json else _row_of(event))
                if target is not None and event.kind is EventKind.CLOSED:
                    return
    except KeyboardInterrupt:
        ctx.exit(INTERRUPTED)


def _stream(target: Target | None) -> EventStream:
    if target is None:
        return EventStream.of_namespace()
    with target.borrow() as connection:  # and given back, so that its owner can close it
        return EventStream.of_connection(connection, seed=True)


class _Lines:
    """Standard output, where nothing can be drawn, or where there is nothing to draw."""

    def say(self, line: str) -> None:
        """Print it."""
        click.echo(line)

    def draw(self) -> None:
        """Nothing."""


def _screen(target: Target | None) -> AbstractContextManager[Screen | _Lines]:
    """Where events are printed, and the subflows of the one connection drawn, if there is one."""
    if target is None or not output.is_animated():
        return nullcontext(_Lines())
    from mptcpapi.command.live import screen  # noqa: PLC0415 - rich: as much as all else together

    return screen(target)


def _follow(events: EventStream, seconds: float | None) -> Iterator[Event | None]:
    """The events, and None when a moment has passed without one."""
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
            yield None
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


def _row_of(event: Event) -> str:
    """One event, below the names of the columns."""
    moment = datetime.fromtimestamp(event.received).strftime("%H:%M:%S.%f")[:12]
    token = "-" if event.token is None else f"{event.token:08x}"
    subflow = output.ends(event.local, event.remote) or "-"
    return _row((moment, event.kind.name, token), subflow, _about(event))


def _row(first: Sequence[str], *rest: str) -> str:
    """The columns that are always as wide, and what goes to another line if it has to."""
    cells = [(output.padded(*cell), cell[1]) for cell in zip(first, _WIDTHS, strict=True)]
    return output.flow([*cells, *((cell, len(cell)) for cell in rest if cell)])


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
