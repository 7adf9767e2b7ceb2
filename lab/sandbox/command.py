"""Running a command in a sandbox of its own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.sandbox.namespaces import HOSTS, PRIVATE

_MARK = "MPTCP_LAB_SANDBOX"
"""Holds the sandbox's network namespace, so that a copied environment does not count as one."""


_INIT = "MPTCP_LAB_SANDBOX_INIT"

_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")


def _network_namespace() -> str:
    return str(Path("/proc/self/ns/net").readlink())


def environment(init: str) -> dict[str, str]:
    """The environment of a command in the present sandbox, for process 1 to pass on.

    ``init`` is the PID that process 1 has outside.
    """
    return {
        **os.environ,
        _MARK: _network_namespace(),
        _INIT: init,
        "TMPDIR": str(PRIVATE),
        # Inside, the user is root; an ordinary user's PATH lacks root's directories on Debian.
        "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",
    }


def environment_outside() -> dict[str, str]:
    """The environment of a command that is to have a sandbox of its own, wherever this one is."""
    return {name: value for name, value in os.environ.items() if name not in (_MARK, _INIT)}


def entrance() -> list[str]:
    """What runs a command in the present sandbox from a shell outside, before that command.

    It begins in the present directory: nsenter leaves who enters a mount namespace in its root.
    """
    own_users = Path("/proc/self/uid_map").read_text(encoding="ascii").split()[2] == "1"
    users = ["--user", "--preserve-credentials"] if own_users else []
    place = ["env", f"--chdir={Path.cwd()}"]
    return ["nsenter", "--target", os.environ[_INIT], *users, *_NAMESPACES, *place]


def inside() -> bool:
    """Whether this process lives in a sandbox."""
    return os.environ.get(_MARK) == _network_namespace()


def private_directory() -> Path:
    """Where files vanish together with the present sandbox."""
    return PRIVATE


def hosts_file() -> Path:
    """What programs in the present sandbox read as /etc/hosts."""
    return HOSTS


def command_line(*arguments: str, private_tmp: bool = False) -> list[str]:
    """What runs ``arguments`` in a new sandbox that ends when the calling process ends.

    ``private_tmp`` keeps what is in /tmp from being removed.
    """
    options = ["--die-with", str(os.getpid()), *(["--private-tmp"] if private_tmp else [])]
    return [sys.executable, "-m", "lab.sandbox", *options, "--", *arguments]


def python_in_sandbox() -> str:
    """The interpreter inside a new sandbox, as one quoted text for tools that start their own."""
    return shlex.join(command_line(sys.executable))


def run(arguments: Sequence[str], private_tmp: bool = False) -> int:
    """Run ``arguments`` in a new sandbox on this terminal; give back its exit status."""
    line = command_line(*arguments, private_tmp=private_tmp)
    with subprocess.Popen(line) as process, _interrupts_ignored():
        return process.wait()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """A terminal sends Ctrl-C to the command as well: the command decides what it means."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted, and may say what it does then
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
