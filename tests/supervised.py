"""Programs under ``mptcpapi run``, for tests without a network."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import pytest

RUN = [sys.executable, "-m", "mptcpapi", "run"]
PATIENCE = 30.0


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*RUN, *arguments], capture_output=True, text=True, check=False, timeout=60, **options
    )  # type: ignore[call-overload]
    if "takes libseccomp" in done.stderr or "came with Linux 5.19" in done.stderr:
        pytest.skip(done.stderr)
    return done  # type: ignore[no-any-return]


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    return run(*options, "--", sys.executable, "-c", code)


@contextmanager
def running(*arguments: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """It runs, and is killed at the end: its pipes are its input and its output."""
    with subprocess.Popen(
        [*RUN, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **options
    ) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def read(stream: IO[bytes] | None, until: bytes | None = None) -> bytes:
    """Read until this has come, or to the end; in vain for too long, it fails."""
    assert stream is not None
    deadline = time.monotonic() + PATIENCE
    data = b""
    while until is None or until not in data:
        left = max(0, deadline - time.monotonic())
        assert select.select([stream], [], [], left)[0], f"no end, and no more than {data!r}"
        if not (piece := os.read(stream.fileno(), 4096)):
            break
        data += piece
    return data


def write(stream: IO[bytes] | None, data: bytes) -> None:
    """Write, at once."""
    assert stream is not None
    stream.write(data)
    stream.flush()


def unshared(*arguments: str) -> list[str]:
    """The command in namespaces of its own; skips where there can be none."""
    command = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), *arguments]
    possible = subprocess.run([*command, "true"], capture_output=True, check=False)
    if possible.returncode != 0:
        pytest.skip(f"no namespaces can be made here: {possible.stderr!r}")
    return command


def can_make_mptcp() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP).close()
    except OSError:
        return False
    return True


needs_mptcp = pytest.mark.skipif(not can_make_mptcp(), reason="no MPTCP sockets can be made here")


TELL = """
import fcntl, json, os, socket
def tell(s):
    close_on_exec = fcntl.fcntl(s, fcntl.F_GETFD) == fcntl.FD_CLOEXEC
    nonblocking = fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK != 0
    protocol = s.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL)
    return s.fileno(), protocol, close_on_exec, nonblocking
def make(family, kind, protocol):
    import ctypes
    return socket.socket(fileno=ctypes.CDLL(None).socket(family, kind, protocol))
"""


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
