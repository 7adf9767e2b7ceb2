"""How ``mptcpapi run`` starts a program: as env(1) would, or with a reason why not."""

import ctypes
import json
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from errno import EOPNOTSUPP
from pathlib import Path
from uuid import uuid4

import pytest
from supervised import PATIENCE, RUN, TELL, needs_mptcp, read, run, running, unshared

TRY = f"""{TELL}
s = make(2, 1, 0)
try: s.getsockopt(6, 66, 100)
except OSError as failed: print(json.dumps([tell(s)[1], failed.errno]))
"""
"""Makes a socket, and uses an old option."""

FIND_SUPERVISOR = """
import os, sys
supervisor, = (n for n in os.listdir("/proc") if n.isdecimal()
    and open("/proc/" + n + "/comm").read() == "mptcpapi-run\\n"
    and sys.argv[1].encode() in open("/proc/" + n + "/cmdline", "rb").read())
"""
"""Its own, by what nobody else has as an argument."""


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_script_without_an_interpreter_is_one_for_sh(tmp_path: Path) -> None:
    done = run("--", str(script(tmp_path / "script", 'echo "$0" "$@"\n')), "a", "b c")

    assert done.stdout == f"{tmp_path}/script a b c\n"


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    done = run("--", str(script(tmp_path / "script", "#!/no/such/interpreter\n")))

    assert done.returncode == 127
    assert done.stderr == (
        f"error: cannot run {tmp_path}/script: its interpreter is missing: "
        "what its first line names, or an ELF file's loader\n"
    )


def test_a_program_without_a_name() -> None:
    done = run("--", "")

    assert done.returncode == 127
    assert done.stderr == "error: cannot run '': No such file or directory\n"


@pytest.mark.parametrize("given", [{}, {"LC_CTYPE": "C"}, {"LC_CTYPE": "C.UTF-8"}])
def test_the_environment_is_what_was_given(given: dict[str, str]) -> None:
    """Python sets LC_CTYPE where the locale is C; the program does not notice."""
    given = {"PATH": os.environ["PATH"], "LANG": "C"} | given

    done = run("--", "env", "-0", env=given)

    assert dict(line.split("=", 1) for line in done.stdout.rstrip("\0").split("\0")) == given


def test_a_caller_that_ignores_its_children() -> None:
    """With SIGCHLD ignored, which is inherited, there is nobody to wait for; and it stays so."""
    command = [*RUN, "--", "grep", "SigIgn", "/proc/self/status"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )  # fmt: skip

    assert done.stderr == ""
    assert int(done.stdout.split()[1], 16) >> signal.SIGCHLD - 1 & 1


def test_processes_of_another_namespace_are_not_looked_into() -> None:
    """Where /proc is another namespace's, process 1 there is not the process 1 that calls."""
    command = [*unshared("--pid", "--fork"), *RUN, "--", "echo", "started"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: /proc is that of another PID namespace, or none: mount it (unshare --mount-proc)\n"
    )


@needs_mptcp
def test_a_program_in_a_pid_namespace() -> None:
    done = run("--", *unshared("--pid", "--fork", "--mount-proc"), sys.executable, "-c", TRY)

    assert json.loads(done.stdout)[1] == EOPNOTSUPP, done.stderr


def test_a_program_that_mounts_its_own_processes_over_all() -> None:
    """The supervisor has the numbers of its own namespace still: the calls are answered."""
    inner = f"""
import subprocess, sys
subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
{TRY}"""
    whole = [*unshared("--mount"), *RUN, "--no-upgrade", "--trace", "--"]
    done = subprocess.run(
        [*whole, "unshare", "--pid", "--fork", sys.executable, "-c", inner],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip

    assert json.loads(done.stdout)[1] == EOPNOTSUPP, done.stderr
    assert "out of sight" not in done.stderr


def test_the_directory_is_the_programs_alone(tmp_path: Path) -> None:
    """The supervisor stands nowhere: what a program leaves can be unmounted."""
    code = f"""{FIND_SUPERVISOR}
print(os.readlink("/proc/" + supervisor + "/cwd"))
"""
    done = run("--", sys.executable, "-c", code, str(tmp_path), cwd=tmp_path)

    assert done.stdout == "/\n", done.stderr


def skip_unless_users_are_here(last: int) -> None:
    """A process becomes another user as root alone, and where this user namespace has that user."""
    lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    ranges = [(int(first), int(count)) for first, _, count in map(str.split, lines)]
    if os.geteuid() != 0 or not any(first <= last < first + count for first, count in ranges):
        pytest.skip(f"takes root of a user namespace that has user {last}")


@pytest.fixture
def stranger() -> list[str]:
    """What a command begins with, to run as a user who has no process yet."""
    skip_unless_users_are_here(54321)
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is missing")
    capability = "+dac_read_search"  # whatever that user may read
    return ["setpriv", "--reuid", "54321", "--clear-groups",
            "--inh-caps", capability, "--ambient-caps", capability]  # fmt: skip


def test_few_threads(stranger: list[str]) -> None:
    """One whose user may have no more threads is not started, or answered; it does not hang."""
    assert run("--", "true").returncode == 0
    begun = time.monotonic()
    reasons = ("error: the supervisor did not start, or ended at once",
               "libseccomp.so.2, which is here, but was not found")  # fmt: skip
    for most in range(1, 9):
        left = PATIENCE - (time.monotonic() - begun)
        done = subprocess.run(
            [*stranger, "prlimit", f"--nproc={most}", *RUN, "--no-upgrade", "--",
             sys.executable, "-c", TRY],
            capture_output=True, text=True, check=False, timeout=left,
        )  # fmt: skip
        assert done.returncode == 0 or any(each in done.stderr for each in reasons), done.stderr
        assert "ulimit -u" in done.stderr or done.returncode == 0
    assert json.loads(done.stdout)[1] == EOPNOTSUPP, done.stderr


def test_only_where_it_must_no_new_privileges(stranger: list[str]) -> None:
    """The kernel asks it of who lacks CAP_SYS_ADMIN; set-user-id programs work for all others."""
    ask = [*RUN, "--no-upgrade", "--", "grep", "NoNewPrivs", "/proc/self/status"]

    told = [
        subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE
        ).stdout.split()
        for command in (ask, [*stranger, *ask])
    ]

    assert told == [["NoNewPrivs:", "0"], ["NoNewPrivs:", "1"]]


def test_the_program_keeps_its_limit_and_the_supervisor_has_all() -> None:
    """Of descriptors."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard <= 100:
        pytest.skip(f"no more than {hard} descriptors can be had here")
    code = f"""{FIND_SUPERVISOR}
for process in "self", supervisor:
    line, = (line for line in open("/proc/" + process + "/limits") if "open files" in line)
    print(*line.split()[3:5])
"""
    done = run("--", sys.executable, "-c", code, f"{uuid4()}", preexec_fn=hundred_descriptors)

    assert done.stdout.splitlines() == [f"100 {hard}", f"{hard} {hard}"], done.stderr


def hundred_descriptors() -> None:
    """Allow 100 to a process that is to be executed; it may allow itself more."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))


@needs_mptcp
def test_few_descriptors() -> None:
    """Two hundred processes at once are answered by a supervisor that may have few descriptors."""
    code = f"""{TELL}
reading, writing = os.pipe()
for _ in range(200):
    if os.fork() == 0:
        os.read(reading, 1)
        for _ in range(10):
            with make(2, 1, 0) as s:
                assert tell(s)[1] == {socket.IPPROTO_MPTCP}
                try: s.getsockopt(6, 66, 100)
                except OSError as failed: assert failed.errno == {EOPNOTSUPP}, failed
        os._exit(0)
os.write(writing, bytes(200))
print({{os.wait()[1] for _ in range(200)}})
"""
    done = run("--trace", "--", sys.executable, "-c", code, preexec_fn=few_descriptors)

    assert done.stdout == "{0}\n", done.stderr


def few_descriptors() -> None:
    """Allow 64 to a process that is to be executed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def test_no_line_of_a_trace_is_lost() -> None:
    """Even if the program makes the pipe non-blocking, and nobody reads until it is full."""
    size = 4096
    code = f"""
import ctypes, fcntl, os, sys
fcntl.fcntl(2, fcntl.F_SETPIPE_SZ, {size})
os.set_blocking(2, False)
libc = ctypes.CDLL(None)
print("starts", flush=True)
for _ in range(200): libc.getsockopt(-1, 6, 66, 0, 0)
"""
    arguments = ["--trace", "--no-upgrade", "--", sys.executable, "-c", code]
    with running(*arguments, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert read(process.stdout, b"\n") == b"starts\n"
        deadline = time.monotonic() + PATIENCE
        count = ctypes.c_int()
        libc = ctypes.CDLL(None)
        fionread = 0x541B
        while count.value < size * 3 // 4:  # it is as good as full
            assert time.monotonic() < deadline, f"no more than {count.value} bytes"
            libc.ioctl(process.stderr.fileno(), fionread, ctypes.byref(count))
        lines = read(process.stderr).splitlines()

    assert len(lines) == 200
    assert all(line.endswith(b"EBADF (the program has no such descriptor)") for line in lines)


def test_another_user() -> None:
    """With that user's groups and no others, and the environment that names the user."""
    nobody = pwd.getpwnam("nobody")
    skip_unless_users_are_here(nobody.pw_uid)
    tell = 'id -u; id -G; echo "$HOME $USER $LOGNAME"'
    done = run("--user", "nobody", "--", "sh", "-c", tell, extra_groups=[4242])
    if "cannot become user" in done.stderr:
        pytest.skip(done.stderr)

    groups = subprocess.run(["id", "-G", "nobody"], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"{nobody.pw_uid}\n{groups.stdout}{nobody.pw_dir} {nobody.pw_name} {nobody.pw_name}\n"
    )


@needs_mptcp
def test_where_mptcp_is_off_the_program_gets_tcp() -> None:
    """With a warning, once."""
    off = 'echo 0 > /proc/sys/net/mptcp/enabled && exec "$@"'
    command = [*unshared("--net"), "sh", "-c", off, "-", *RUN, "--trace", "--"]
    done = subprocess.run(
        [*command, sys.executable, "-c", TRY],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip

    assert json.loads(done.stdout) == [socket.IPPROTO_TCP, EOPNOTSUPP], done.stderr
    assert "warning: the program gets TCP: " in done.stderr
    assert "= ? (TCP: ENOPROTOOPT" in done.stderr
