"""What events have told of subflows, so that what a kernel leaves out can be filled in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from mptcpapi.abi import TcpState
from mptcpapi.endpoint import Endpoint
from mptcpapi.event import Event, EventKind
from mptcpapi.info import Subflow

_BEGINNINGS = (EventKind.CREATED, EventKind.ESTABLISHED, EventKind.SUB_ESTABLISHED)
_AT_AN_END = (TcpState.CLOSE, TcpState.LISTEN)


class _Known(NamedTuple):
    token: int
    local: Endpoint
    remote: Endpoint


class Ledger:
    """The open subflows of one connection, or of several, and which connections have ended."""

    def __init__(self) -> None:
        self._open: dict[int, dict[_Known, bool]] = {}
        """By token, of connections that live; whether a subflow's establishment was told."""
        self._over: set[int] = set()
        """Connections of which CLOSED was told, and of which the kernel may still say something."""

    @property
    def tokens(self) -> list[int]:
        """Of the connections that it remembers, ended ones included."""
        return [*self._open, *self._over]

    def follow(self, token: int) -> None:
        """Remember a connection before there is an event about it."""
        self._open.setdefault(token, {})

    def complete(self, event: Event) -> Iterator[Event]:
        """The event, and with it what the kernel did not say.

        A subflow that was destroyed before its SYN was answered gets its remote port, if it is
        known, and the end of a connection is preceded by the end of its subflows. That end is told
        once.
        """
        if event.token is None:
            yield event
        elif event.kind is EventKind.CLOSED:
            yield from self._close_all(event, event.token)
        elif event.token in self._over and event.kind is not EventKind.CREATED:
            # While its FIN waits for an answer, the kernel tells of addresses, of ESTABLISHED even.
            yield event
        else:
            self._over.discard(event.token)
            self.follow(event.token)
            yield from self._complete_subflow(event)

    def catch_up(self, token: int, entries: Iterable[Subflow], now: float) -> Iterator[Event]:
        """What must have happened to a connection that has these subflows now."""
        if token in self._over:
            return
        self.follow(token)
        subflows = self._open[token]
        present = {
            _Known(token, entry.local, entry.remote): entry
            for entry in entries
            if entry.state not in _AT_AN_END
        }
        for known in [each for each in subflows if each not in present]:
            del subflows[known]
            yield _told(EventKind.SUB_CLOSED, known, now)
        for known, entry in present.items():
            is_answered = entry.state is not TcpState.SYN_SENT
            is_news = is_answered and not subflows.get(known)
            self._note(known, answered=is_answered)
            if is_news:
                kind = EventKind.ESTABLISHED if entry.id == 1 else EventKind.SUB_ESTABLISHED
                yield _told(kind, known, now)

    def doubt(self) -> None:
        """Events were lost: any subflow may have ended, and another one begun in its place."""
        for subflows in self._open.values():
            subflows.update(dict.fromkeys(subflows, False))

    def end(self, token: int, now: float) -> Iterator[Event]:
        """A connection has ended; the kernel may still say so itself, when its socket is closed."""
        if token in self._open:
            yield from self.complete(Event(EventKind.CLOSED, now, token=token, inferred=True))

    def forget(self, token: int) -> None:
        """Nothing more can come of a connection that has ended."""
        self._over.discard(token)

    def _close_all(self, closed: Event, token: int) -> Iterator[Event]:
        for known in self._open.pop(token, {}):
            yield _told(EventKind.SUB_CLOSED, known, closed.received)
        if token not in self._over:
            self._over.add(token)
            yield closed

    def _complete_subflow(self, event: Event) -> Iterator[Event]:
        known = self._find(event)
        if known is None:
            yield event
        elif event.kind in _BEGINNINGS:
            was_told = self._open[known.token].get(known, False)
            self._note(known, answered=event.kind is not EventKind.CREATED)
            if not (was_told and event.kind is EventKind.SUB_ESTABLISHED):  # by a look at the state
                yield event
        else:
            if event.kind is EventKind.SUB_CLOSED:
                self._open[known.token].pop(known, None)
            yield replace(event, remote=known.remote)

    def _find(self, event: Event) -> _Known | None:
        """The subflow that the event is about, by its local end where the remote port is 0."""
        if event.token is None or event.local is None or event.remote is None:
            return None
        if not event.remote.port:
            for known in self._open[event.token]:
                if known.local == event.local:
                    return known
        return _Known(event.token, event.local, event.remote)

    def _note(self, known: _Known, *, answered: bool) -> None:
        subflows = self._open[known.token]
        subflows[known] = answered or subflows.get(known, False)


def _told(kind: EventKind, known: _Known, now: float) -> Event:
    return Event(
        kind, now, token=known.token, local=known.local, remote=known.remote, inferred=True
    )
