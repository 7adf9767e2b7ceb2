"""Steps on their way: a thread makes each change when its time has come, and notes when it was."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lab.build import Network
from lab.errors import InvalidRun, LabError, ScenarioFailed, Unsupported, UsageError
from lab.run import Run
from lab.timeline.plan import Step, in_order

PATIENCE = 20.0
"""seconds for which nothing is made that is due, on a machine that is busy, until waiting fails"""


@dataclass(frozen=True, slots=True)
class Made:
    """When a change was made, by the clock of the captures: seconds since the epoch."""

    began: float
    """Before this, nothing had changed."""
    ended: float
    """From now on, the change holds."""

    @property
    def time(self) -> float:
        """When the change was complete, as in ``capture.at("server").after(cut.time)``."""
        return self.ended


class Playing:
    """Steps that are played from entering the context on; use :func:`play`.

    Leaving it stops what is not yet played, which is a failure of the scenario: it was to happen.

    What a change meets is raised when it is waited for, and at the end.

    :raises InvalidRun: it could not be made, so that the experiment is not the one asked for.
    :raises Unsupported: nothing here can make it, as came to light in the attempt.
    :raises ScenarioFailed: the context was left before all steps were played.
    """

    def __init__(self, network: Network, steps: tuple[Step, ...], run: Run | None) -> None:
        self._network, self._run = network, run
        self._steps = in_order(network, steps)
        self._made: dict[Step, Made] = {}
        self._problem: LabError | None = None
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._zero = 0.0

    def __enter__(self) -> Self:
        return self.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if kind is None or self._problem:
            self.finish()

    def begin(self) -> Self:
        """Let the time run; :meth:`stop` or :meth:`finish` must follow.

        :raises UsageError: it runs, or has run.
        """
        if self._thread.ident is not None:
            raise UsageError("these steps have been played: play(…) plays each once")
        self._zero = time.monotonic()
        self._record("timeline", steps=[str(step) for step in self._steps])
        self._thread.start()
        return self

    def wait(self, step: Step) -> Made:
        """When ``step`` was played; wait for it if its time is still to come.

        :raises UsageError: it is not one of those that are played.
        """
        if step not in self._steps:
            raise UsageError(f"{step} is not among the steps that are played here")
        self._require_begun()
        with self._news:
            while not self._problem and step not in self._made:
                if not self._news.wait(self._patience(step)):
                    break
        self._require_possible()
        if step not in self._made:
            raise InvalidRun(
                f"{step}: not made {PATIENCE:g} s after its time; is the machine busy?"
            )
        return self._made[step]

    def _patience(self, step: Step) -> float:
        """Seconds until it is too late: after its time, or after the last one that was made."""
        return max(0.0, self._zero + step.time - time.monotonic()) + PATIENCE

    def stop(self) -> None:
        """Play no further step; one that is being made is made to its end."""
        self._require_begun()
        self._stop.set()
        self._thread.join()

    def finish(self) -> None:
        """See that all has been played, and play nothing else."""
        self.stop()
        self._require_possible()
        left = [str(step) for step in self._steps if step not in self._made]
        if left:
            self._record("not played", steps=left)
            raise ScenarioFailed(
                f"the scenario ended {time.monotonic() - self._zero:.2f} s after the beginning of "
                f"its timeline, before {len(left)} of {len(self._steps)} changes were made:\n    "
                + "\n    ".join(left)
                + "\nlet it wait for the last one: timeline.wait(step)"
            )

    def _require_begun(self) -> None:
        if self._thread.ident is None:
            raise UsageError("the time does not run yet: 'with play(…) as playing:' lets it")

    def _require_possible(self) -> None:
        if self._problem:
            raise self._problem

    def _play(self) -> None:
        for step in self._steps:
            if self._stop.wait(max(0.0, self._zero + step.time - time.monotonic())):
                return
            try:
                made = self._timed(step)
            except Exception as problem:  # whatever it is, the experiment is another one now
                self._fail(step, problem)
                return
            with self._news:
                self._made[step] = made
                self._news.notify_all()

    def _timed(self, step: Step) -> Made:
        began = time.time()
        step.change.make(self._network)
        made = Made(began, time.time())
        self._record("change", at=step.time, change=str(step.change), made=made)
        return made

    def _fail(self, step: Step, problem: Exception) -> None:
        text = f"{step}: could not be made: {problem or type(problem).__name__}"
        kind = Unsupported if isinstance(problem, Unsupported) else InvalidRun
        with self._news:
            self._problem = kind(text)
            self._news.notify_all()

    def _record(self, kind: str, **values: object) -> None:
        if self._run:
            self._run.record(kind, **values)


def play(network: Network, *steps: Step, run: Run | None = None) -> Playing:
    """Change ``network`` as the steps say, from entering the context on; ``run`` records it.

    :raises UsageError: a step names what is not there; nothing is played then.
    :raises Unsupported: this network cannot be changed so.
    """
    return Playing(network, steps, run)
