"""A thread that calls, and is gone while it is answered: its number can be another program's."""

import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from own_process import descriptors, left
from supervised import PATIENCE, wait_for

from mptcpapi.errors import Unsupported
from mptcpapi.run.caller import Caller, open_proc
from mptcpapi.run.filter import compile_filter
from mptcpapi.run.listener import Gone, Listener

CALLING = """
import os, socket, sys, threading
from mptcpapi.run.filter import compile_filter, install, system_calls
other = socket.socket(fileno=int(sys.argv[1]))
listener = install(compile_filter(upgrade=True), system_calls().seccomp)
socket.send_fds(other, [b"."], [listener])
os.close(listener)
def execute():
    other.recv(1)
    os.execvp("sleep", ["sleep", "1000"])
threading.Thread(target=execute).start()
socket.socket(socket.AF_INET, socket.SOCK_STREAM)
"""
"""The first thread makes a call; the second, when told, executes a program, which kills the first
and has its number from then on."""


@pytest.fixture
def replaced() -> Iterator[Caller]:
    """A caller in whose place another program is by now."""
    try:
        compile_filter(upgrade=True)
    except Unsupported as missing:
        pytest.skip(str(missing))
    ours, theirs = socket.socketpair()
    with subprocess.Popen(
        [sys.executable, "-c", CALLING, str(theirs.fileno())], pass_fds=[theirs.fileno()]
    ) as process:
        theirs.close()
        _, (fd,), _, _ = socket.recv_fds(ours, 1, 1)
        listener, proc = Listener(fd), open_proc()
        try:
            assert select.select([fd], [], [], PATIENCE)[0]
            notice = listener.receive()
            assert notice is not None
            with Caller(listener, notice, proc) as caller:
                ours.send(b".")
                wait_for(lambda: comm(process.pid) == "sleep")
                assert notice.tid == process.pid
                yield caller
        finally:
            process.kill()
            ours.close()
            os.close(proc)
            listener.close()


def its_directory(name: str) -> bool:
    return re.fullmatch(r"/proc/\d+", name) is not None


def comm(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().rstrip()


@pytest.mark.parametrize(
    "use",
    [
        lambda caller: caller.memory,
        lambda caller: caller.identity,
        lambda caller: caller.read("status"),
        lambda caller: caller.open("ns/user"),
        lambda caller: caller.duplicate(0),
    ],
    ids=["memory", "identity", "read", "open", "duplicate"],
)
def test_the_program_in_its_place_is_left_alone(
    replaced: Caller, use: Callable[[Caller], object]
) -> None:
    """It may have other rights: a set-user-id program, for instance."""
    before = descriptors()

    with pytest.raises(Gone):
        use(replaced)

    replaced.close()
    assert not left(descriptors, before)
    assert any(its_directory(each.of) for each in before - descriptors())
