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
    """The open subflows of one connection, or of several."""

    def __init__(self) -> None:
        self._open: dict[_Known, None] = {}
        self._answered: set[_Known] = set()
        """Those of which an event told that they were established."""

    def complete(self, event: Event) -> Iterator[Event]:
        """The event, and with it what the kernel did not say.

        A subflow that was destroyed before its SYN was answered gets its remote port, if it is
        known, and the end of a connection is preceded by the end of its subflows.
        """
        if event.kind is EventKind.CLOSED:
            yield from self._close_all(event)
        known = self._find(event)
        if known is None:
            yield event
        elif event.kind in _BEGINNINGS:
            is_repeated = event.kind is EventKind.SUB_ESTABLISHED and known in self._answered
            self._note(known, answered=event.kind is not EventKind.CREATED)
            if not is_repeated:  # it was told already, when the state was looked at
                yield event
        else:
            if event.kind is EventKind.SUB_CLOSED:
                self._forget(known)
            yield replace(event, remote=known.remote)

    def catch_up(self, token: int, entries: Iterable[Subflow], now: float) -> Iterator[Event]:
        """What must have happened to a connection that has these subflows now."""
        present = {
            _Known(token, entry.local, entry.remote): entry
            for entry in entries
            if entry.state not in _AT_AN_END
        }
        for known in [each for each in self._open if each not in present and each.token == token]:
            self._forget(known)
            yield _told(EventKind.SUB_CLOSED, known, now)
        for known, entry in present.items():
            is_answered = entry.state is not TcpState.SYN_SENT
            is_news = is_answered and known not in self._answered
            self._note(known, answered=is_answered)
            if is_news:
                kind = EventKind.ESTABLISHED if entry.id == 1 else EventKind.SUB_ESTABLISHED
                yield _told(kind, known, now)

    def _close_all(self, closed: Event) -> Iterator[Event]:
        for known in [each for each in self._open if each.token == closed.token]:
            self._forget(known)
            yield _told(EventKind.SUB_CLOSED, known, closed.received)

    def _find(self, event: Event) -> _Known | None:
        """The subflow that the event is about, by its local end where the remote port is 0."""
        if event.token is None or event.local is None or event.remote is None:
            return None
        if not event.remote.port:
            for known in self._open:
                if known[:2] == (event.token, event.local):
                    return known
        return _Known(event.token, event.local, event.remote)

    def _note(self, known: _Known, *, answered: bool) -> None:
        self._open[known] = None
        if answered:
            self._answered.add(known)

    def _forget(self, known: _Known) -> None:
        self._open.pop(known, None)
        self._answered.discard(known)


def _told(kind: EventKind, known: _Known, now: float) -> Event:
    return Event(
        kind, now, token=known.token, local=known.local, remote=known.remote, inferred=True
    )
