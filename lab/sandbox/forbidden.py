"""Why this system refuses a sandbox, and what its owner can do about it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lab.sandbox import namespaces

_SWITCHES = {
    "kernel.unprivileged_userns_clone": "0",
    "kernel.apparmor_restrict_unprivileged_userns": "1",
}
"""Sysctls that can forbid a user namespace, each with the value that does."""

_ALLOWING = {"0": "1", "1": "0"}

_LIMITS = tuple(
    f"user.max_{kind}_namespaces" for kind in ("user", "net", "mnt", "pid", "uts", "ipc")
)
"""Sysctls that say how many namespaces a user may have, namespaces(7)."""

_PLENTY = 10_000
"""namespaces: for each node a network and a mount namespace, for each wire a network namespace, for
each sandbox one of each kind; several labs at once"""


def why_not() -> str | None:
    """Try to make a sandbox in a child; None when it works, else a sentence with what to do."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(_try_in_child(writer))
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as report:
        text = report.read()
    os.waitpid(child, 0)
    return text or None


def _try_in_child(writer: int) -> int:
    """Report to ``writer`` what failed; never returns into the caller's program."""
    try:
        for step in (namespaces.unshare, _in_grandchild(namespaces.furnish)):
            step()
    except OSError as problem:
        os.write(writer, explain(problem).encode())
    return 0


def _in_grandchild(step: Callable[[], None]) -> Callable[[], None]:
    """Run ``step`` in a new child, which is what unshare(2) puts into the new PID namespace."""

    def run() -> None:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                step()
            except OSError as problem:
                os.write(writer, f"{problem.errno} {problem.strerror}".encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as report:
            number, _, message = report.read().partition(" ")
        os.waitpid(child, 0)
        if number:
            raise OSError(int(number), message)

    return run


def read_settings() -> dict[str, str]:
    """The sysctls of this system that can forbid a sandbox; those that it lacks are absent."""
    values = {}
    for name in (*_SWITCHES, *_LIMITS):
        path = Path("/proc/sys", *name.split("."))
        if path.exists():
            values[name] = path.read_text(encoding="ascii").strip()
    return values


def explain(problem: OSError, settings: Mapping[str, str] | None = None) -> str:
    """Say which setting made a step of the lab fail with ``problem``, and what to do."""
    sentence = f"this system forbids the namespaces that a lab lives in ({problem.strerror})"
    settings = read_settings() if settings is None else settings
    needed = _needed(problem, settings)
    if needed:
        present = ", ".join(f"{name} is {settings[name]}" for name in needed)
        advice = " ".join(f"{name}={value}" for name, value in needed.items())
        return f"{sentence}: {present}. As root run: sysctl -w {advice}"
    if problem.errno == errno.ENOSPC:
        return (
            f"{sentence}: a limit on their number is reached, which cannot be seen from here. Look "
            f"at {', '.join(_LIMITS)} outside: {_PLENTY} of each is plenty"
        )
    if problem.errno == errno.ENOENT and "/etc/hosts" in str(problem.strerror):
        return f"{sentence}: /etc/hosts is missing. As root run: touch /etc/hosts"
    return (
        f"{sentence}: no sysctl does, so the restrictions of a container or service do (seccomp, "
        "chroot, a masked /proc). Run outside of it, or in a container started with --privileged"
    )


def _needed(problem: OSError, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings that stand in the way, each with the value that it needs."""
    for name, forbidding in _SWITCHES.items():
        if settings.get(name) == forbidding:
            return {name: _ALLOWING[forbidding]}
    reached = _PLENTY if problem.errno == errno.ENOSPC else 1
    return {name: str(_PLENTY) for name in _LIMITS if int(settings.get(name, reached)) < reached}
