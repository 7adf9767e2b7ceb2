"""What a lab could leave on the machine, which for a test is the sandbox around it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.sandbox import libc, namespaces

PROC = Path("/proc")

DEADLINE = 20.0
"""seconds until what has been killed is gone"""


def processes(mark):
    """Those that have ``mark`` in their environment and have not ended: command lines by PID."""
    found = {}
    for directory in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            # The environment of one that has ended and waits for its parent is empty.
            if mark.encode() in (directory / "environ").read_bytes():
                line = (directory / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(directory.name)] = line.decode(errors="replace")
    return found


def parent(pid):
    """The PID of its parent; 0 if it has ended."""
    with suppress(OSError):
        status = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        return int(status.rpartition(")")[2].split()[1])
    return 0


def network_namespaces():
    """Those that a process is in, or holds open."""
    found = set()
    for link in (*PROC.glob("[0-9]*/task/*/ns/net"), *PROC.glob("[0-9]*/fd/*")):
        with suppress(OSError):
            found.add(str(link.readlink()))
    return sorted(name for name in found if name.startswith("net:"))


def traces():
    """What is there now, as the calling thread sees it; processes that have ended count as well."""
    places = (Path(os.environ["TMPDIR"]), namespaces.SHARED)
    return {
        "processes": sorted(int(path.name) for path in PROC.glob("[0-9]*")),
        "interfaces": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "network namespaces": network_namespaces(),
        "mounts": Path("/proc/thread-self/mounts").read_text(encoding="utf-8"),
        "names": Path("/etc/hosts").read_text(encoding="utf-8"),
        "temporary files": sorted(str(path) for place in places for path in place.iterdir()),
    }


def wait_until_only(before):
    """Return when there are the traces that were there before, and no others."""
    end = time.monotonic() + DEADLINE
    while (now := traces()) != before:
        if time.monotonic() > end:
            left = {what: (before[what], now[what]) for what in now if now[what] != before[what]}
            raise AssertionError(f"before and now: {left}")
        time.sleep(0.01)


@contextmanager
def private_tmp():
    """A thread that has ``/tmp`` for itself and what it starts: others use the machine's."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_cover).result()
        yield thread


def _cover():
    libc.unshare(libc.CLONE_NEWNS)
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    namespaces.cover()
