"""What a run leaves: a directory that says what was run, where, and how it ended.

::

    results/20260131T101500.123-open-subflow-1f3a92c4/
        manifest.json    format, scenario, verdict, topology, environment
        records.jsonl    API calls and kernel events, one JSON object a line, with times
        topology.yaml    the file as it was
        captures/        one pcap a host
        logs/            what the test printed, and how it failed
        *.parquet        calls, events and metrics, derived when it ended (lab.result)

The manifest is there from the start with the verdict ``incomplete``: a run that dies leaves that.
The last manifest, with the verdict, comes after everything else, and has the size and SHA-256 of
all other files. docs/results.md has the format, field by field.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import random
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lab.errors import InvalidRun, UsageError
from lab.figure import Better, figure
from lab.files import inventory, replace
from lab.plain import plain

FORMAT = 2
"""Of the manifest; a reader refuses a number that it does not know."""


MANIFEST, RECORDS = "manifest.json", "records.jsonl"

HIDDEN = ".new-"
"""What the name of a directory begins with until it has a manifest."""


class Verdict(StrEnum):
    """How a run ended."""

    INCOMPLETE = "incomplete"
    """It has not ended, or died before it could say how."""
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INVALID = "invalid"
    """Its evidence is incomplete, so it proves nothing."""


class Run:
    """One run and its directory, made under ``root``.

    :raises UsageError: it cannot be made there.
    :raises InvalidRun: it cannot be written any more; so do all its methods.
    """

    def __init__(self, root: Path, scenario: str, *, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        """Whatever is drawn in a run is drawn here, so that its seed repeats it."""
        self._manifest: dict[str, Any] = {
            "format": FORMAT,
            "scenario": scenario,
            "verdict": Verdict.INCOMPLETE,
            "seed": seed,
            "started": now(),
        }
        self._lock = threading.RLock()
        self.directory = _hidden_directory(root.absolute(), scenario)
        try:
            self._begin()
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def _begin(self) -> None:
        """Write the first manifest, and let others see the directory, in this order.

        The file of records is locked as long as this process lives: whoever wants to remove an
        incomplete run can tell, from any PID namespace.
        """
        self._write()
        with self._writing():
            self._records = (self.directory / RECORDS).open("a", encoding="utf-8")
            fcntl.flock(self._records, fcntl.LOCK_EX)
            self.directory = self.directory.rename(
                self.directory.with_name(self.directory.name.removeprefix(HIDDEN))
            )

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What the manifest has until now."""
        return MappingProxyType(self._manifest)

    @property
    def captures(self) -> Path:
        """Where the captures belong."""
        return self.directory / "captures"

    def log(self, name: str, text: str) -> None:
        """Keep a text, as ``output.txt``, in the directory of logs."""
        path = self.directory / "logs" / name
        with self._writing():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")

    def describe(self, **values: Any) -> None:
        """Add to the manifest; a mapping is merged with what is there under its name."""
        with self._lock:
            for key, value in values.items():
                before = self._manifest.get(key)
                merged = isinstance(before, Mapping) and isinstance(value, Mapping)
                self._manifest[key] = {**before, **value} if merged and before else value
            self._write()

    def figure(self, name: str, value: float, unit: str, better: Better | None = None) -> None:
        """Keep a scalar that the scenario measured: ``figure("setup", 0.021, "s", "lower")``.

        Of two with one name the later counts.

        :raises UsageError: the value is no finite number, or the rest not what it can be.
        """
        self.describe(figures={name: figure(name, value, unit, better)._asdict()})

    def keep_topology(self, name: str, path: Path) -> None:
        """Keep a copy of the topology file, and its hash in the manifest."""
        content = path.read_bytes()
        with self._writing():
            (self.directory / "topology.yaml").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self.describe(topology={"name": name, "sha256": digest})

    def record(self, kind: str, **values: Any) -> None:
        """Add one line to the records, with the time in seconds since the epoch."""
        line = json.dumps(plain({"time": time.time(), "kind": kind, **values}))
        with self._lock, self._writing():
            self._records.write(line + "\n")
            self._records.flush()

    def end(self, verdict: Verdict, reason: str = "", **values: Any) -> None:
        """Say how the run ended, after all its files are there; ``values``: see ``describe``."""
        try:
            with self._writing():
                kept = inventory(self.directory, MANIFEST, f"{MANIFEST}.new")
            self.describe(verdict=verdict, reason=reason, ended=now(), files=kept, **values)
        finally:
            self._close()

    def discard(self) -> None:
        """Remove the directory."""
        self._close()
        shutil.rmtree(self.directory)

    def _close(self) -> None:
        with suppress(OSError):  # what could not be written was told when it was recorded
            self._records.close()

    def _write(self) -> None:
        """Replace the manifest in one step, so that it is whole whenever the run dies."""
        path = self.directory / MANIFEST
        text = json.dumps(plain(self._manifest), indent=2)
        with self._writing():
            replace(path, f"{text}\n".encode())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what the file system refuses into an invalid run: it lacks what it should keep."""
        try:
            yield
        except OSError as problem:
            raise InvalidRun(
                f"the run cannot be written to {self.directory}: {problem.strerror}"
            ) from problem


def now() -> str:
    """The time, in ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _hidden_directory(root: Path, scenario: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    words = re.sub(r"[^A-Za-z0-9]+", "-", scenario.rpartition("::")[2]).strip("-")[:60]
    directory = root / f"{HIDDEN}{stamp}-{words}-{secrets.token_hex(4)}"
    try:
        directory.mkdir(parents=True)
    except OSError as problem:
        raise UsageError(
            f"no run can be kept in {root}: {problem.strerror}. Choose another place with --results"
        ) from problem
    return directory
