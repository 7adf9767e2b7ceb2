"""Dask: a cluster of processes here, or one of machines, that make attempts.

Each worker offers slots as the resource ``lab``. The local cluster listens on the loopback alone,
and only to those who have its certificate: another user of the machine could otherwise run programs
in the name of this one. It has no dashboard.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, get_worker, wait
from distributed import TimeoutError as NothingYet

from lab.campaign import attempt
from lab.campaign.order import Answer, Order
from lab.campaign.parcel import Parcel
from lab.errors import UsageError

RESOURCE = "lab"

_PIECE = 4 << 20
"""bytes of a packed run that are sent at a time"""

_SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # whether to try again is the campaign's matter
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.nanny.http.routes": [],
}

_LOOPBACK = "127.0.0.1"
_SOMEWHERE = f"{_LOOPBACK}:0"


class Done(NamedTuple):
    """An attempt that has ended: with an answer, or with the reason why there is none."""

    order: Order
    answer: Answer | None
    worker: str
    """the worker's address"""
    lost: str = ""


class Workers:
    """Those who make attempts."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._under_way: dict[Future, Order] = {}

    @property
    def slots(self) -> int:
        """How many attempts there can be at the same time now."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(int(each["resources"].get(RESOURCE, 0)) for each in workers)

    @property
    def under_way(self) -> int:
        """How many attempts have begun and not ended."""
        return len(self._under_way)

    def begin(self, order: Order) -> None:
        """Let a worker make an attempt."""
        key = f"{order.campaign}-{order.point.key}-{order.attempt}"
        future = self._client.submit(
            _attempt, order, key=key, pure=False, resources={RESOURCE: 1}, retries=0
        )
        self._under_way[future] = order

    def ended(self, seconds: float) -> Iterator[Done]:
        """The attempts that have ended, after waiting so long for one at the most."""
        try:
            wait([*self._under_way], timeout=seconds, return_when="FIRST_COMPLETED")
        except NothingYet:
            return
        for future in [each for each in self._under_way if each.done()]:
            yield self._done(future, self._under_way.pop(future))

    def _done(self, future: Future, order: Order) -> Done:
        if future.status == "cancelled":
            raise UsageError(
                "the scheduler forgot what it was to do, or cannot be reached any more"
            )
        try:
            worker, answer = future.result()
        except KilledWorker:
            return Done(order, None, "", "its worker died")
        except Exception as problem:
            return Done(order, None, "", f"its worker failed: {problem}")
        return Done(order, answer, worker)

    def fetch(self, worker: str, parcel: Parcel, target: Path) -> None:
        """Write a packed run to a file here.

        :raises ConnectionError: the worker does not answer, or not as it should.
        :raises OSError: the file cannot be written.
        """
        with target.open("wb") as file:
            for offset in range(0, parcel.size, _PIECE):
                file.write(self._ask(worker, attempt.piece, parcel.path, offset, _PIECE))

    def forget(self, worker: str, parcel: Parcel) -> None:
        """Let the worker remove what the attempt left there."""
        try:
            self._ask(worker, attempt.forget, parcel.path)
        except ConnectionError:
            return  # what remains is below its scratch directory, which ends with it

    def _ask(self, worker: str, function: Any, *arguments: Any) -> Any:
        try:
            return self._client.run(function, *arguments, workers=[worker])[worker]
        except Exception as problem:  # Dask has no root of its errors
            raise ConnectionError(f"the worker {worker} does not answer: {problem}") from problem

    def waiting(self, campaign: str) -> int:
        """How many attempts wait at their workers until they may run."""
        counts = self._client.run(attempt.waiting, campaign, on_error="ignore")
        return sum(counts.values())

    def stop(self, campaign: str) -> None:
        """Kill the attempts that are under way."""
        if self._under_way:
            self._client.cancel([*self._under_way])
            self._client.run(attempt.stop, campaign, on_error="ignore")


def _attempt(order: Order) -> tuple[str, Answer]:
    """What a worker does."""
    worker = get_worker()
    return worker.address, attempt.attempt(order, worker.local_directory)


@contextmanager
def local(slots: int, scratch: Path) -> Iterator[Workers]:
    """One worker process with so many slots, which is started anew if it dies."""
    with ExitStack() as held:
        held.enter_context(dask.config.set(_SETTINGS))
        held.enter_context(_silent())
        shutil.rmtree(scratch, ignore_errors=True)  # of one that was killed
        held.callback(shutil.rmtree, scratch, ignore_errors=True)
        cluster = held.enter_context(
            LocalCluster(
                n_workers=1, threads_per_worker=slots, processes=True, security=True,
                host=_LOOPBACK, protocol="tls", memory_limit=0, resources={RESOURCE: slots},
                local_directory=str(scratch), silence_logs=logging.CRITICAL,
                dashboard_address=None, worker_dashboard_address=_SOMEWHERE,
                scheduler_kwargs={"dashboard": False, "dashboard_address": _SOMEWHERE},
            )
        )  # fmt: skip
        yield Workers(held.enter_context(Client(cluster)))


@contextmanager
def remote(scheduler: str) -> Iterator[Workers]:
    """The workers of a scheduler that runs already.

    :raises UsageError: none answers.
    """
    with ExitStack() as held:
        held.enter_context(_silent())
        try:
            client = held.enter_context(Client(scheduler, timeout=10))
        except (OSError, ValueError, NothingYet) as problem:
            raise UsageError(f"no scheduler of Dask answers at {scheduler}: {problem}") from problem
        yield Workers(client)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's own words to itself: what matters of them is told as the campaign's."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
