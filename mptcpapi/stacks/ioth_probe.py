"""What is found out about a plug-in before it is let into this process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from errno import EACCES, EFAULT, ENOENT, ENOEXEC, ETIMEDOUT
from functools import cache
from io import FileIO
from pathlib import Path

from mptcpapi.errors import StackUnavailable
from mptcpapi.stacks import ioth_trial
from mptcpapi.stacks.ioth_library import File
from mptcpapi.stacks.ioth_licence import fits
from mptcpapi.stacks.ioth_trial import CANNOT_LOAD, MADE, NO_NEWSTACK

PATIENCE = 30.0
"""seconds until a plug-in that makes no stack counts as broken."""

WITH_OPTIONS, WITHOUT = "3", "2"
"""How many arguments newstack has."""


def takes_options(file: File, name: str, licence: str | None) -> bool:
    """Whether newstack has the argument ``options``; the answer is remembered for the file.

    :raises StackUnavailable: it cannot be loaded, lacks newstack, crashes, or forbids it
    """
    now = file.path.stat()
    return _tried(file.path, name, licence, now.st_mtime_ns, now.st_size)


@cache
def _tried(path: Path, name: str, licence: str | None, _changed: int, _size: int) -> bool:
    crashed = _crash(path, name, licence, WITH_OPTIONS)
    if not crashed:
        return True
    if _crash(path, name, licence, WITHOUT):
        raise StackUnavailable(EFAULT, f"the plug-in {path} crashed in newstack: {crashed}")
    return False


def _crash(path: Path, name: str, licence: str | None, arguments: str) -> str:
    """How a newstack with so many arguments crashed; empty if it did not."""
    reading, writing = os.pipe()
    with open(reading, "rb", 0) as told:  # noqa: PTH123 - a descriptor
        try:
            trial = subprocess.Popen(
                [sys.executable, "-I", "-S", ioth_trial.__file__, path, name, arguments,
                 str(writing)],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(writing,), process_group=0,
            )  # fmt: skip
        finally:
            os.close(writing)
        with trial:
            loaded = _first_line(told, trial, path)
            if loaded.endswith(b"\n"):
                _require_licence(path, licence, loaded.decode(errors="replace").strip())
                _go_on(trial)
            status = _ended(trial, path)
            os.set_blocking(told.fileno(), False)  # a process of the plug-in's may hold it open
            rest = told.read() or b""
    _require_loaded(path, name, loaded, status)
    if status < 0 and MADE in rest:
        how = signal.Signals(-status).name
        raise StackUnavailable(EFAULT, f"the plug-in {path} crashed when it was unloaded: {how}")
    return signal.Signals(-status).name if status < 0 else ""


def _first_line(told: FileIO, trial: subprocess.Popen[bytes], path: Path) -> bytes:
    poll = select.poll()  # select() takes no descriptor above 1023
    poll.register(told, select.POLLIN)
    if not poll.poll(PATIENCE * 1000):
        trial.kill()
        text = f"the plug-in {path} is not loaded within {PATIENCE:g} s"
        raise StackUnavailable(ETIMEDOUT, text)
    return told.readline()


def _go_on(trial: subprocess.Popen[bytes]) -> None:
    assert trial.stdin  # noqa: S101 - for the type
    with suppress(BrokenPipeError):
        os.write(trial.stdin.fileno(), b"x")


def _ended(trial: subprocess.Popen[bytes], path: Path) -> int:
    try:
        return trial.wait(PATIENCE)
    except subprocess.TimeoutExpired as silent:
        trial.kill()
        text = f"the plug-in {path} makes no stack within {PATIENCE:g} s"
        raise StackUnavailable(ETIMEDOUT, text) from silent


def _require_licence(path: Path, ours: str | None, theirs: str) -> None:
    if not fits(ours, theirs):
        said = f"'{ours}'" if ours else "nothing"
        text = (
            f"the plug-in {path} is under '{theirs}', and the program's licence, {said}, does not "
            "fit: new(…, license='SPDX-License-Identifier: …') says which it has"
        )
        raise StackUnavailable(EACCES, text)


def _require_loaded(path: Path, name: str, loaded: bytes, status: int) -> None:
    if status == CANNOT_LOAD:
        raise StackUnavailable(ENOEXEC, f"cannot load {path}: {loaded.decode(errors='replace')}")
    if status == NO_NEWSTACK:
        raise StackUnavailable(ENOENT, f"{path} has no function ioth_{name}_newstack")
    if not loaded.endswith(b"\n"):
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        text = f"the plug-in {path} crashed when it was loaded: {how}"
        raise StackUnavailable(EFAULT, text)
