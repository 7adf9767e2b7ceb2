"""Running what remains of a campaign, until all is done or somebody wants it to stop."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lab.campaign import parcel
from lab.campaign.cluster import Done, Workers
from lab.campaign.directory import Campaign
from lab.campaign.journal import Entry
from lab.campaign.order import Answer, Order
from lab.campaign.points import Point, seed_of
from lab.campaign.progress import Progress
from lab.campaign.room import require_room
from lab.errors import InvalidRun, UsageError
from lab.run import Verdict, now

TICK = 0.5
"""seconds between two looks at the time, and at whether to stop"""

LOOK = 5.0
"""seconds between two looks at why nothing happens"""


class Execution:
    """What is under way, and what is to come."""

    def __init__(
        self, campaign: Campaign, workers: Workers, alone: Set[str], project: Mapping[str, Any],
        progress: Progress,
    ) -> None:  # fmt: skip
        self._campaign, self._workers, self._progress = campaign, workers, progress
        self._alone, self._project = alone, dict(project)
        self._waiting = deque(each for each in campaign.points if not campaign.finished(each))
        self._stopping = False
        self._slots = 0
        self._next_look = time.monotonic() + LOOK

    def run(self) -> None:
        """Go on to the end, or until SIGINT or SIGTERM.

        :raises UsageError: a worker has another project, or the scheduler is gone.
        :raises OSError: a run cannot be kept.
        """
        with self._told_to_stop():
            try:
                while (self._waiting or self._workers.under_way) and not self._stopping:
                    self._fill()
                    self._tell_of_waiting()
                    for done in self._workers.ended(TICK):
                        if done.answer or not self._stopping:  # else whoever stops us stopped it
                            self._settle(done)
                    self._progress.tick(self._campaign.standing(self._slots))
            finally:
                self._workers.stop(self._campaign.word)

    @contextmanager
    def _told_to_stop(self) -> Iterator[None]:
        """Stop at the next look; at the second signal, at once."""

        def note(number: int, _frame: object) -> None:
            if self._stopping:
                raise KeyboardInterrupt
            self._stopping = True

        before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _tell_of_waiting(self) -> None:
        """Say why nothing happens, where a scenario whose times matter has the machine."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK
        if self._workers.under_way and self._workers.waiting(self._campaign.word):
            self._progress.note("an attempt waits for other scenarios to leave the machine")

    def _fill(self) -> None:
        """Begin as many attempts as there are slots, and no more: one that waits could be lost."""
        self._slots = self._workers.slots
        if not self._slots:
            self._progress.note("no worker offers a slot now; waiting for one")
        while self._waiting and self._workers.under_way < self._slots:
            require_room(self._campaign.directory)
            self._workers.begin(self._order(self._waiting.popleft()))

    def _order(self, point: Point) -> Order:
        campaign = self._campaign
        plan, attempts = campaign.plan, campaign.attempts[point.key]
        return Order(
            campaign.word, plan.name, point, len(attempts) + 1, seed_of(plan, point),
            plan.deadline, point.scenario in self._alone, self._project,
        )  # fmt: skip

    def _settle(self, done: Done) -> None:
        """Keep what came of an attempt; what needs another one waits again, behind all others."""
        answer = done.answer
        if answer and answer.refused:
            raise UsageError(f"the worker {done.worker} on {answer.host}: {answer.refused}")
        arrived = None
        if answer and answer.parcel:
            try:
                arrived = self._arrive(done.worker, answer)
            except (ConnectionError, InvalidRun) as problem:
                done = done._replace(answer=None, lost=str(problem))
        entry = _entry(done, arrived)
        self._campaign.keep(entry, arrived)
        if arrived and answer and answer.parcel:
            self._workers.forget(done.worker, answer.parcel)
        if not self._campaign.finished(entry.point):
            self._waiting.append(entry.point)
        self._progress.tell(entry, self._campaign.standing(self._slots))

    def _arrive(self, worker: str, answer: Answer) -> Path:
        """Fetch and unpack a run."""
        assert answer.parcel  # noqa: S101 - for mypy
        incoming = self._campaign.incoming
        packed = incoming / "run.tar"
        try:
            self._workers.fetch(worker, answer.parcel, packed)
            return parcel.unpack(packed, answer.parcel, incoming)
        finally:
            with suppress(FileNotFoundError):
                packed.unlink()


def _entry(done: Done, arrived: Path | None) -> Entry:
    order, answer = done.order, done.answer
    return Entry(
        order.point, order.attempt, order.seed,
        answer.verdict if answer else Verdict.INCOMPLETE,
        answer.reason if answer else done.lost,
        arrived.name if arrived else None,
        round(answer.seconds, 3) if answer else 0.0,
        answer.host if answer else "", now(),
    )  # fmt: skip
