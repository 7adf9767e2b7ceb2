"""Starting a program under supervision: this process becomes the program."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
from contextlib import suppress
from errno import EPERM
from pathlib import Path
from pwd import struct_passwd
from typing import Final, NoReturn

from mptcpapi import abi
from mptcpapi.errors import KernelRefused, NoPrivilege
from mptcpapi.run.caller import open_proc
from mptcpapi.run.filter import Calls, compile_filter, install, system_calls
from mptcpapi.run.listener import Listener
from mptcpapi.run.supervisor import Supervisor
from mptcpapi.run.trace import Trace

_libc = ctypes.CDLL(None, use_errno=True)

_READY: Final = b"ready"
_IGNORED_BY_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)
_STANDARD: Final = (0, 1, 2)
_LOCALE: Final = b"LC_CTYPE="


def become(
    command: tuple[str, ...], *, upgrade: bool, trace: bool, user: struct_passwd | None
) -> NoReturn:
    """Become the program ``command``, under a supervisor that is a process of its own.

    ``upgrade``: its stream sockets become MPTCP ones. ``trace``: each call that is answered is
    written to standard error. ``user``: whose rights it has from then on.

    :raises Unsupported: this machine lacks seccomp's user notification, libseccomp, or /proc
    :raises KernelRefused: another supervisor is there, or this one did not start
    :raises NoPrivilege: this process may not become that user
    :raises OSError: there is no such program, or it cannot be executed
    """
    os.close(open_proc())
    _undo_locale()
    program, calls = compile_filter(upgrade=upgrade), system_calls()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        _start_supervisor(theirs, ours, calls, trace=trace)
        theirs.close()
        listener = install(program, calls.seccomp)
        _hand_over(listener, ours)
    if user is not None:
        _become_user(user)
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    _execute(command)


def _hand_over(listener: int, supervisor: socket.socket) -> None:
    """Give the listener away, and wait until the supervisor listens."""
    try:
        socket.send_fds(supervisor, [str(os.getpid()).encode()], [listener])
        pid = supervisor.recv(len(_READY) + 16).removeprefix(_READY)
    except OSError as failed:
        raise _not_started() from failed
    finally:
        os.close(listener)
    if not pid:
        raise _not_started()
    # Where Yama protects processes, only those above may look into one: and whom it names itself.
    _libc.prctl(abi.PR_SET_PTRACER, ctypes.c_ulong(int(pid)), 0, 0, 0)


def _not_started() -> KernelRefused:
    text = "the supervisor did not start, or ended at once: may this user have threads (ulimit -u)?"
    return KernelRefused(EPERM, text)


def _start_supervisor(
    own: socket.socket, other: socket.socket, calls: Calls, *, trace: bool
) -> None:
    """Have it run, as nobody's child: the program is to have its own children only."""
    between = os.fork()
    if between:
        with suppress(ChildProcessError):  # SIGCHLD is ignored: it has ended all the same
            os.waitpid(between, 0)
        return
    try:
        if os.fork() == 0:
            other.close()
            _supervise(own, calls, trace=trace)
    finally:
        os._exit(0)


def _supervise(own: socket.socket, calls: Calls, *, trace: bool) -> None:
    os.setsid()  # Ctrl-C and Ctrl-Z are the program's
    os.chdir("/")  # the program's directory may be to be unmounted
    _libc.prctl(abi.PR_SET_NAME, b"mptcpapi-run", 0, 0, 0)
    _keep_only(own.fileno(), standard_error=trace)
    _, (fd, *_), _, _ = socket.recv_fds(own, 64, 1)
    supervisor = Supervisor(Listener(fd), calls, Trace(2 if trace else None))
    own.sendall(_READY + str(os.getpid()).encode())
    own.close()
    with suppress(KeyboardInterrupt):
        supervisor.wait()


def _keep_only(own: int, *, standard_error: bool) -> None:
    """Let go of what the program has open: it must be able to close its pipes and terminals."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in _STANDARD[:2] if standard_error else _STANDARD:
        os.dup2(nowhere, standard)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    os.closerange(3, own)
    os.closerange(own + 1, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _become_user(user: struct_passwd) -> None:
    try:
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except OSError as refused:
        text = (
            f"cannot become user {user.pw_name} ({refused.strerror}): that takes CAP_SETUID and "
            "CAP_SETGID, and in a user namespace the user must be mapped: run as root"
        )
        raise NoPrivilege(EPERM, text) from refused
    _libc.prctl(abi.PR_CAP_AMBIENT, abi.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)


def _undo_locale() -> None:
    """Take LC_CTYPE back, which Python sets where the locale is C (PEP 538)."""
    with suppress(OSError):  # a Python with capabilities of its own may not read it
        given = Path("/proc/self/environ").read_bytes().split(b"\0")
        values = [each[len(_LOCALE) :] for each in given if each.startswith(_LOCALE)]
        os.environ.pop("LC_CTYPE", None)
        os.environb.update((b"LC_CTYPE", value) for value in values)


def _execute(command: tuple[str, ...]) -> NoReturn:
    """As execvp(3) does, and with it env(1): what has no "#!" is a script for sh.

    :raises OSError: the errno says why not
    """
    arguments = (ctypes.c_char_p * (len(command) + 1))(*map(os.fsencode, command))
    _libc.execvp(arguments[0], arguments)
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))
