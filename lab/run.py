"""What a run leaves: a directory that says what was run, where, and how it ended.

::

    results/20260131T101500.123-open-subflow-1f3a92c4/
        manifest.json    format, scenario, verdict, topology, environment
        records.jsonl    API calls and kernel events, one JSON object a line, with times
        topology.yaml    the file as it was
        captures/        one pcap a host

The manifest is there from the start with the verdict ``incomplete``: a run that dies leaves that.
"""

from __future__ import annotations

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
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lab.errors import InvalidRun, UsageError

FORMAT = 1
"""Of the manifest; a reader refuses a number that it does not know."""


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
        self.directory = _new_directory(root.absolute(), scenario)
        self._manifest: dict[str, Any] = {
            "format": FORMAT,
            "scenario": scenario,
            "verdict": Verdict.INCOMPLETE,
            "seed": seed,
            "started": _now(),
        }
        self._lock = threading.Lock()
        self._write()
        with self._writing():
            self._records = (self.directory / "records.jsonl").open("a", encoding="utf-8")

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What the manifest has until now."""
        return MappingProxyType(self._manifest)

    @property
    def captures(self) -> Path:
        """Where the captures belong."""
        return self.directory / "captures"

    def describe(self, **values: Any) -> None:
        """Add to the manifest; a mapping is merged with what is there under its name."""
        for key, value in values.items():
            before = self._manifest.get(key)
            merged = isinstance(before, Mapping) and isinstance(value, Mapping)
            self._manifest[key] = {**before, **value} if merged and before else value
        self._write()

    def keep_topology(self, name: str, path: Path) -> None:
        """Keep a copy of the topology file, and its hash in the manifest."""
        content = path.read_bytes()
        with self._writing():
            (self.directory / "topology.yaml").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self.describe(topology={"name": name, "sha256": digest})

    def record(self, kind: str, **values: Any) -> None:
        """Add one line to the records, with the time in seconds since the epoch."""
        line = json.dumps(_plain({"time": time.time(), "kind": kind, **values}))
        with self._lock, self._writing():
            self._records.write(line + "\n")
            self._records.flush()

    def end(self, verdict: Verdict, reason: str = "") -> None:
        """Say how the run ended."""
        with suppress(OSError):  # what could not be written was told when it was recorded
            self._records.close()
        self.describe(verdict=verdict, reason=reason, ended=_now())

    def discard(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.directory)

    def _write(self) -> None:
        """Replace the manifest in one step, so that it is whole whenever the run dies."""
        path = self.directory / "manifest.json"
        fresh = path.with_suffix(".new")
        text = json.dumps(_plain(self._manifest), indent=2)
        with self._writing():
            fresh.write_text(f"{text}\n", encoding="utf-8")
            fresh.replace(path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what the file system refuses into an invalid run: it lacks what it should keep."""
        try:
            yield
        except OSError as problem:
            raise InvalidRun(
                f"the run cannot be written to {self.directory}: {problem.strerror}"
            ) from problem


def _plain(value: Any) -> Any:
    """The value as JSON has it: frozen values by their fields, those of an enum by name."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value if isinstance(value, str) else value.name
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _new_directory(root: Path, scenario: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    words = re.sub(r"[^A-Za-z0-9]+", "-", scenario.rpartition("::")[2]).strip("-")[:60]
    directory = root / f"{stamp}-{words}-{secrets.token_hex(4)}"
    try:
        directory.mkdir(parents=True)
    except OSError as problem:
        raise UsageError(
            f"no run can be kept in {root}: {problem.strerror}. Choose another place with --results"
        ) from problem
    return directory
