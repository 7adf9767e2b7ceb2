"""Programs under ``mptcpapi run``, for tests without a network."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable

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
