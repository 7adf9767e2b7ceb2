"""``mptcpapi run`` without a network: exit, signals, descriptors, and what is left."""

import json
import os
import signal
import socket
import sys
from errno import EBADF, ENOSYS, EOPNOTSUPP
from pathlib import Path
from uuid import uuid4

import pytest
from supervised import (
    PATIENCE,
    RUN,
    TELL,
    needs_mptcp,
    python,
    read,
    run,
    running,
    wait_for,
    write,
)

from mptcpapi.processes import program_of


@pytest.mark.parametrize("status", [0, 1, 77])
def test_the_exit_status_is_the_programs(status: int) -> None:
    assert run("--", "sh", "-c", f"exit {status}").returncode == status


def test_arguments_need_no_separator() -> None:
    assert run("echo", "-n", "--trace").stdout == "--trace"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_reaches_the_program_and_is_what_it_died_of(number: signal.Signals) -> None:
    with running("--", "cat") as process:
        write(process.stdin, b"ready")
        assert read(process.stdout, b"ready") == b"ready"

        process.send_signal(number)

        assert process.wait(PATIENCE) == -number


def test_a_program_that_is_not_there() -> None:
    done = run("--", "/no/such/program")

    assert done.returncode == 127
    assert done.stderr == "error: cannot run /no/such/program: No such file or directory\n"


def test_a_program_that_is_none() -> None:
    done = run("--", __file__)

    assert done.returncode == 126
    assert done.stderr == f"error: cannot run {__file__}: Permission denied\n"


def test_no_such_user() -> None:
    done = run("--user", "no-such-user", "--", "true")

    assert done.returncode == 2
    assert "'no-such-user': this machine has no such user" in done.stderr


def test_a_supervisor_inside_another() -> None:
    done = run("--", *RUN, "--", "true")

    assert done.returncode == 1
    assert "this process has a supervisor already" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGXFSZ])
def test_signals_that_python_ignores_are_not_ignored(number: signal.Signals) -> None:
    assert run("--", "sh", "-c", f"kill -{number:d} $$").returncode == -number


@needs_mptcp
def test_a_stream_socket_becomes_mptcp() -> None:
    """At the lowest free number, with the flags that were asked for."""
    flags = (0, socket.SOCK_CLOEXEC, socket.SOCK_NONBLOCK)
    asked = [
        (int(family), int(socket.SOCK_STREAM | flag), protocol)
        for family in (socket.AF_INET, socket.AF_INET6)
        for protocol in (0, socket.IPPROTO_TCP)
        for flag in flags
    ]
    code = f"{TELL}\nos.dup2(2, 7)\nos.close(0)\nprint(json.dumps([tell(make(*each)) "
    done = python(f"{code}for each in {asked}]))")

    wanted = [
        [0, socket.IPPROTO_MPTCP, flag == socket.SOCK_CLOEXEC, flag == socket.SOCK_NONBLOCK]
        for flag in flags
    ]
    assert json.loads(done.stdout) == wanted * 4, done.stderr


def test_other_sockets_stay_what_they_are() -> None:
    kinds = [(2, int(socket.SOCK_DGRAM), 0), (1, int(socket.SOCK_STREAM), 0)]
    done = python(f"{TELL}\nprint(json.dumps([tell(make(*each))[1] for each in {kinds}]))")

    assert json.loads(done.stdout) == [socket.IPPROTO_UDP, 0]


def test_a_stream_socket_of_another_protocol_is_refused_as_ever() -> None:
    code = f"import ctypes; print(ctypes.CDLL(None).socket(2, 1, {int(socket.IPPROTO_UDP)}))"

    assert python(code).stdout == "-1\n"


def test_without_upgrade_tcp_stays_tcp() -> None:
    done = python(f"{TELL}\nprint(tell(make(2, 1, 0))[1])", "--no-upgrade")

    assert done.stdout == f"{socket.IPPROTO_TCP}\n"


@needs_mptcp
def test_threads_and_children_are_covered() -> None:
    done = python(
        f"""{TELL}
import subprocess, sys, threading
def say(): print(tell(make(2, 1, 0))[1], flush=True)
thread = threading.Thread(target=say)
thread.start(); thread.join()
if os.fork() == 0:
    say()
    os._exit(0)
os.wait()
subprocess.run([sys.executable, "-c", "import socket; print(socket.socket().getsockopt(1, 38))"])
"""
    )

    assert done.stdout.split() == [str(int(socket.IPPROTO_MPTCP))] * 3, done.stderr


def test_a_thread_with_descriptors_of_its_own() -> None:
    """Its descriptor is what it has by this number, not what its process has (Linux 6.9)."""
    try:
        os.close(os.pidfd_open(os.getpid(), os.O_EXCL))  # PIDFD_THREAD
    except OSError as lacking:
        pytest.skip(f"threads cannot be opened here (PIDFD_THREAD): {lacking}")
    done = python(
        f"""{TELL}
import ctypes, threading
libc = ctypes.CDLL(None, use_errno=True)
CLONE_FILES = 0x400
def ask():
    libc.getsockopt(500, 6, 66, ctypes.create_string_buffer(9), ctypes.byref(ctypes.c_int(9)))
    return ctypes.get_errno()
def apart():
    libc.unshare(CLONE_FILES)
    sock = make(2, 1, 0)
    os.dup2(sock.fileno(), 500)
    print(ask())
thread = threading.Thread(target=apart)
thread.start(); thread.join()
print(ask())
""",
        "--no-upgrade",
    )

    assert done.stdout.split() == [str(EOPNOTSUPP), str(EBADF)], done.stderr


@needs_mptcp
def test_a_daemon_is_covered_when_the_program_has_ended(tmp_path: Path) -> None:
    """Its supervisor lives as long as it does, and no longer."""
    told = tmp_path / "told"
    done = python(
        f"""{TELL}
parent = os.getpid()
if os.fork() == 0:
    os.setsid()
    while os.getppid() == parent: pass
    for n in range(3): os.close(n)
    text = json.dumps([os.getpid(), tell(make(2, 1, 0))[1]])
    open({str(told)!r} + "~", "w").write(text)
    os.rename({str(told)!r} + "~", {str(told)!r})
"""
    )

    assert done.returncode == 0
    wait_for(told.exists)
    _, protocol = json.loads(told.read_text())
    assert protocol == socket.IPPROTO_MPTCP


def supervisors(mark: str) -> set[int]:
    """The supervisors that were started with this in their environment, as the programs were."""
    numbers = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()}
    return {number for number in numbers if program_of(number) == "mptcpapi-run"
            and mark in environment_of(number)}  # fmt: skip


def environment_of(number: int) -> str:
    try:
        return Path(f"/proc/{number}/environ").read_text(errors="replace")
    except OSError:  # another user's, or gone
        return ""


@pytest.fixture
def mark() -> str:
    return f"MARK={uuid4()}"


def marked(mark: str) -> dict[str, str]:
    return dict([*os.environ.items(), tuple(mark.split("="))])


def test_nothing_is_left(mark: str) -> None:
    """The supervisor, which is no child of the program, ends with it: kill -9 included."""
    with running("--", "cat", env=marked(mark)) as process:
        write(process.stdin, b"ready")
        assert read(process.stdout, b"ready") == b"ready"
        (mine,) = supervisors(mark)
        assert Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text() == ""
        process.kill()

    wait_for(lambda: mine not in supervisors(mark))


@needs_mptcp
def test_without_its_supervisor_a_program_does_not_hang(mark: str) -> None:
    """New sockets fail with ENOSYS; a connection that it has goes on."""
    code = f"""{TELL}
one = make(2, 1, 0)
print("ready", flush=True)
input()
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.socket(2, 1, 0), ctypes.get_errno(), tell(one)[1])
"""
    with running("--", sys.executable, "-c", code, env=marked(mark)) as process:
        assert read(process.stdout, b"ready\n") == b"ready\n"
        (mine,) = supervisors(mark)
        os.kill(mine, signal.SIGKILL)
        write(process.stdin, b"\n")
        said = read(process.stdout).decode()

    assert said.split() == ["-1", str(ENOSYS), str(int(socket.IPPROTO_MPTCP))]


def test_a_pipe_ends_with_the_program() -> None:
    """The supervisor holds none of the program's descriptors."""
    with running("--", "sh", "-c", "exec >&-; read line") as process:
        assert read(process.stdout) == b""
        assert process.poll() is None


def test_a_pipe_besides_the_standard_ones_ends_with_the_program_too() -> None:
    reading, writing = os.pipe()
    code = f"import os; os.close({writing}); input()"
    with (
        os.fdopen(reading, "rb") as pipe,
        running("--", sys.executable, "-c", code, pass_fds=[writing]) as process,
    ):
        os.close(writing)
        assert read(pipe) == b""
        assert process.poll() is None
