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
from supervised import PATIENCE, read, unshared, wait_for

from mptcpapi.errors import Unsupported
from mptcpapi.run.answering import OldCall
from mptcpapi.run.caller import Caller, open_proc
from mptcpapi.run.filter import compile_filter
from mptcpapi.run.listener import Gone, Listener, Notice
from mptcpapi.run.memory import Fault

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


Replace = Callable[[], None]


@pytest.fixture(autouse=True)
def libseccomp() -> None:
    try:
        compile_filter(upgrade=True)
    except Unsupported as missing:
        pytest.skip(str(missing))


@pytest.fixture
def replaced(waiting: tuple[Caller, Replace]) -> Caller:
    """A caller in whose place another program is by now."""
    caller, replace = waiting
    replace()
    return caller


@pytest.fixture
def waiting() -> Iterator[tuple[Caller, Replace]]:
    """A caller, and what puts another program in its place."""
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
            assert notice.tid == process.pid

            def replace() -> None:
                ours.send(b".")
                wait_for(lambda: comm(process.pid) == "sleep")

            with Caller(listener, notice, proc) as caller:
                yield caller, replace
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


def test_nothing_is_written_to_the_program_in_its_place(waiting: tuple[Caller, Replace]) -> None:
    """Though the call began when its memory was the caller's still."""
    caller, replace = waiting
    call = OldCall(caller, Notice(0, 0, 0, (0, 6, 66, 0, 0, 0)), getting=True)
    with pytest.raises(Fault):
        call.write(8, b"x")
    replace()

    with pytest.raises(Gone):
        call.write(8, b"x")


FILTERED = """
import os, socket, sys
from mptcpapi.run.filter import compile_filter, install, system_calls
other = socket.socket(fileno=int(sys.argv[1]))
listener = install(compile_filter(upgrade=True), system_calls().seccomp)
socket.send_fds(other, [b"."], [listener])
os.close(listener)
other.recv(1)
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
print(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL))
"""
SUPERVISING = """
import socket, sys
from mptcpapi.run.filter import system_calls
from mptcpapi.run.listener import Listener
from mptcpapi.run.supervisor import Supervisor
from mptcpapi.run.trace import Trace
other = socket.socket(fileno=int(sys.argv[1]))
_, (fd,), _, _ = socket.recv_fds(other, 1, 1)
supervisor = Supervisor(Listener(fd), system_calls(), Trace(2))
other.send(b".")
other.close()
supervisor.wait()
"""


def test_a_program_out_of_sight_is_let_through() -> None:
    """Its supervisor is in a PID namespace below, where it has no number."""
    theirs, ours = socket.socketpair()
    beside = unshared("--pid", "--fork", "--kill-child", "--mount-proc")
    python = [sys.executable, "-c"]
    with (
        theirs, ours,
        subprocess.Popen([*python, FILTERED, str(theirs.fileno())], stdout=subprocess.PIPE,
                         pass_fds=[theirs.fileno()]) as program,
        subprocess.Popen([*beside, *python, SUPERVISING, str(ours.fileno())],
                         stderr=subprocess.PIPE, pass_fds=[ours.fileno()]) as supervisor,
    ):  # fmt: skip
        theirs.close()
        ours.close()
        try:
            said, trace = read(program.stdout), read(supervisor.stderr)
        finally:
            program.kill()
            supervisor.kill()

    assert said == f"{int(socket.IPPROTO_TCP)}\n".encode()
    assert trace == b"[0] killed in a call, or out of sight\n"
