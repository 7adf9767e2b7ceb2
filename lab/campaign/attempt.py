"""One attempt, at a worker: a pytest with a deadline, and what it leaves, packed.

:func:`attempt`, :func:`waiting`, :func:`piece`, :func:`forget` and :func:`stop` are what a campaign
has workers do.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from lab import quiet, sandbox
from lab.campaign import identity, parcel
from lab.campaign.order import Answer, Order
from lab.campaign.room import require_room
from lab.errors import UsageError
from lab.places import require_visible
from lab.result import open as open_run
from lab.result.store import directories
from lab.run import Verdict

PATIENCE = 24 * 3600.0
"""seconds that an attempt waits for others to leave the machine, or to let it in"""

_SAID = 4000
"""characters of pytest's output that stand for a run where there is none"""

_WAITING: Counter[str] = Counter()
_RUNNING: dict[str, set[subprocess.Popen[bytes]]] = {}
_LOCK = threading.Lock()


def attempt(order: Order, scratch: str) -> Answer:
    """Run a scenario once, in the project that this process was started in.

    What it leaves lies below ``scratch`` until :func:`forget`.
    """
    root = Path.cwd()
    here = identity.identity(root, order.project["files"])
    host = socket.gethostname()
    if found := identity.differences(here, order.project):
        why = f"this is not the campaign's project, in {root}: {'; '.join(found)}"
        return Answer(Verdict.INCOMPLETE, "", 0.0, host, refused=why)
    try:
        directory = Path(tempfile.mkdtemp(prefix="attempt-", dir=_made(scratch)))
        require_visible(directory)
        require_room(directory)
        with _sharing(order):
            began = time.monotonic()
            status = _run(order, directory)
            seconds = time.monotonic() - began
        require_room(directory)  # else what the run says may be about the disk
        answer = _answer(order, directory, status)
    except (OSError, UsageError) as problem:
        return Answer(Verdict.INCOMPLETE, "", 0.0, host, refused=str(problem))
    return answer._replace(seconds=seconds, host=host)


def _made(scratch: str) -> Path:
    path = Path(scratch)
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def _sharing(order: Order) -> Iterator[None]:
    """Wait before the time counts, rather than in pytest, until it may run."""
    with ExitStack() as held:
        if quiet.PART not in os.environ:
            with _counted(_WAITING, order.campaign):
                held.enter_context(quiet.sharing(alone=order.alone, patience=PATIENCE))
        yield


@contextmanager
def _counted(counter: Counter[str], what: str) -> Iterator[None]:
    with _LOCK:
        counter[what] += 1
    try:
        yield
    finally:
        with _LOCK:
            counter[what] -= 1


def waiting(campaign: str) -> int:
    """How many attempts of a campaign wait here until they may run."""
    return _WAITING[campaign]


def _run(order: Order, directory: Path) -> int | None:
    """The status of the pytest; None if it was killed after its time."""
    environment = sandbox.environment_outside() | {quiet.PART: "1"}
    with (directory / "said.txt").open("wb") as said, _noted(order.campaign) as note:
        process = subprocess.Popen(
            _command(order, directory), stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, env=environment, start_new_session=True,
        )  # fmt: skip
        with process:
            note.add(process)
            try:
                return process.wait(order.deadline)
            except subprocess.TimeoutExpired:
                _kill(process)
                return None
            finally:
                note.discard(process)


def _command(order: Order, directory: Path) -> list[str]:
    point = order.point
    chosen = [f"--parameter={name}={value}" for name, value in point.parameters.items()]
    chosen += [f"--override={name}={value}" for name, value in point.overrides.items()]
    of = {
        "name": order.name,
        "point": point.name,
        "repetition": point.repetition,
        "attempt": order.attempt,
    }
    return [
        sys.executable, "-m", "lab.campaign.child", str(os.getpid()), "-p", "no:cacheprovider",
        "-rs", "--results", str(directory / "results"), f"--seed={order.seed}", *chosen,
        f"--campaign={json.dumps(of)}", point.scenario,
    ]  # fmt: skip


@contextmanager
def _noted(campaign: str) -> Iterator[set[subprocess.Popen[bytes]]]:
    with _LOCK:
        note = _RUNNING.setdefault(campaign, set())
    yield note


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it has started: what left its session ends with its sandbox."""
    if process.returncode is None:  # else its number may be another's by now
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def stop(campaign: str) -> None:
    """Kill what runs here of a campaign."""
    with _LOCK:
        for process in [*_RUNNING.get(campaign, ())]:
            _kill(process)


def _answer(order: Order, directory: Path, status: int | None) -> Answer:
    said = (directory / "said.txt").read_text(encoding="utf-8", errors="replace").strip()
    results = directory / "results"
    found = directories(results) if results.is_dir() else []
    if not found:
        return Answer(*_without_run(order, status, said[-_SAID:]), 0.0, "")
    run = open_run(found[-1])
    verdict, reason = run.verdict, str(run.manifest.get("reason", ""))
    if verdict == Verdict.INCOMPLETE:
        verdict, reason = Verdict.INVALID, _unfinished(order, status)
    logs = _made(str(run.directory / "logs"))
    (logs / "pytest.txt").write_text(f"{said}\n", encoding="utf-8")
    packed = parcel.pack(run.directory, directory / "run.tar")
    return Answer(verdict, reason, 0.0, "", packed)


def _unfinished(order: Order, status: int | None) -> str:
    if status is None:
        return f"it did not end within {order.deadline:g} s, and was killed"
    return f"pytest ended with status {status} before the run had a verdict"


def _without_run(order: Order, status: int | None, said: str) -> tuple[Verdict, str]:
    """What a pytest says that left no run: the test never had its fixtures."""
    if status == 0:  # a test that passes has had them
        skipped = [line for line in said.splitlines() if line.startswith("SKIPPED")]
        return Verdict.SKIPPED, "\n".join(skipped) or said
    if status in (1, 2, 4, 5):
        return Verdict.FAILED, said
    return Verdict.INVALID, f"{_unfinished(order, status)}\n{said}"


def piece(path: str, offset: int, size: int) -> bytes:
    """A part of a packed run."""
    with Path(path).open("rb") as file:
        file.seek(offset)
        return file.read(size)


def forget(path: str) -> None:
    """Remove what an attempt left here, its packed run being ``path``."""
    shutil.rmtree(Path(path).parent, ignore_errors=True)
