"""What the kernel of a host said of its connections, kept while a scenario runs.

The stream is of a whole namespace, whose subflows nobody can look at: what it has lost stays
unknown. So a log that has a gap can tell nothing about what was not said, and its run is invalid.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, Self

from lab.errors import InvalidRun, ScenarioFailed, UsageError
from lab.host import LabNode
from lab.model.names import hint
from lab.run import Run
from lab.trace import Subflow
from lab.waiting import readable
from mptcpapi import Event, EventKind, EventStream

_FIELDS = tuple(field.name for field in dataclasses.fields(Event))


class EventLog:
    """The MPTCP events of one host from entering the context on; the run records them.

    :raises InvalidRun: when the context is left, or events are asked for, and some are missing.
    """

    def __init__(self, node: LabNode, run: Run) -> None:
        self._node, self._run = node, run
        self._events: list[Event] = []
        self._gap: str | None = None
        self._news = threading.Condition()
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            with self._node.stack():
                stream = undo.enter_context(EventStream.of_namespace())
            stop = os.eventfd(0)
            undo.callback(os.close, stop)
            reader = threading.Thread(target=self._follow, args=(stream, stop), daemon=True)
            reader.start()
            undo.callback(reader.join)
            undo.callback(os.eventfd_write, stop, 1)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()
        self._require_all()

    def seen(self) -> tuple[Event, ...]:
        """All events until now, in their order."""
        self._require_all()
        with self._news:
            return tuple(self._events)

    def wait(
        self,
        kind: EventKind,
        subflow: Subflow | None = None,
        *,
        timeout: float = 10.0,
        **fields: Any,
    ) -> Event:
        """The first event of that kind, about that subflow, with those fields; seen or to come.

        :raises ScenarioFailed: there was none within ``timeout`` seconds.
        :raises UsageError: there is no such kind or field.
        """
        _check(kind, fields)

        def find() -> Event | None:
            return next((e for e in self._events if _matches(e, kind, subflow, fields)), None)

        with self._news:
            self._news.wait_for(lambda: self._gap or find(), timeout)
            found = find()
        if found is None:
            about = "".join(f" {name}={value}" for name, value in fields.items())
            seen = ", ".join(event.kind.name for event in self.seen()) or "nothing"
            raise ScenarioFailed(
                f"expected the event {kind.name}{about} at {self._node.name} within {timeout:g} s; "
                f"the kernel said: {seen}"
            )
        return found

    def _require_all(self) -> None:
        if self._gap:
            raise InvalidRun(f"the events of {self._node.name} are not complete: {self._gap}")

    def _follow(self, stream: EventStream, stop: int) -> None:
        try:
            self._read(stream, stop)
        except Exception as problem:
            with self._news:
                self._gap = str(problem) or type(problem).__name__
                self._news.notify_all()

    def _read(self, stream: EventStream, stop: int) -> None:
        sources = (stream.fileno(), stop)
        while stop not in readable(sources, stream.LOOKUP_INTERVAL):
            for event in stream.within(0):
                self._run.record("event", host=self._node.name, name=event.kind.name, event=event)
                with self._news:
                    self._events.append(event)
                    self._news.notify_all()


class EventLogs(dict[str, EventLog]):
    """Event logs by host.

    :raises UsageError: there is none of that host.
    """

    def __missing__(self, host: str) -> EventLog:
        raise UsageError(f"no events of '{host}' are followed (followed: {', '.join(self)})")


def _check(kind: EventKind, fields: Iterable[str]) -> None:
    if not isinstance(kind, EventKind):
        raise UsageError(f"event {kind!r}: expected an EventKind, as in EventKind.SUB_ESTABLISHED")
    for name in fields:
        if name not in _FIELDS:
            raise UsageError(f"an event has no field {name!r} ({hint(name, _FIELDS)})")


def _matches(
    event: Event, kind: EventKind, subflow: Subflow | None, fields: dict[str, Any]
) -> bool:
    if event.kind is not kind:
        return False
    if subflow and {event.local, event.remote} != {tuple(subflow.local), tuple(subflow.remote)}:
        return False
    return all(getattr(event, name) == value for name, value in fields.items())
