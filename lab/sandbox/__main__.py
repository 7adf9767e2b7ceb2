"""``python -m lab.sandbox [OPTION ...] -- COMMAND [ARGUMENT ...]``: a command in a new sandbox.

The exit status is the command's; 128 + N when signal N ended it; 125 when there can be no sandbox.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from lab.sandbox import command, forbidden, libc, namespaces

NO_SANDBOX = 125
_FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_SI_KERNEL = 128
"""<asm-generic/siginfo.h>: the terminal sent the signal, and sent it to the command as well."""


def main() -> int:
    """Parse, enter, wait."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback, whenever Ctrl-C comes
    options = _parse()
    if options.die_with:
        libc.die_with_parent(signal.SIGKILL)
        if os.getppid() != options.die_with:
            return NO_SANDBOX  # the parent ended before the line above
    try:
        namespaces.unshare()
    except OSError as problem:
        return _refuse(problem)
    signal.pthread_sigmask(signal.SIG_BLOCK, {*_FORWARDED, signal.SIGCHLD})
    alive, lifeline = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(lifeline)
        os._exit(_init(alive, options))
    os.close(alive)
    os.write(lifeline, str(child).encode())
    return _wait_forwarding(child)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.sandbox", epilog="example: python -m lab.sandbox -- ip link"
    )
    parser.add_argument("--die-with", type=int, metavar="PID", help="end when this parent ends")
    parser.add_argument("--private-tmp", action="store_true", help="protect what is in /tmp")
    parser.add_argument("command", nargs="+", help="the command and its arguments, after --")
    return parser.parse_args()


def _refuse(problem: OSError) -> int:
    print(f"error: {forbidden.explain(problem)}", file=sys.stderr)  # noqa: T201
    return NO_SANDBOX


def _init(alive: int, options: argparse.Namespace) -> int:
    """Be process 1: end with the process outside, furnish the namespaces, run the command, reap."""
    libc.die_with_parent(signal.SIGKILL)
    own_pid_outside = os.read(alive, 32).decode()
    if not own_pid_outside:
        return NO_SANDBOX  # the process outside ended before it could say
    try:
        namespaces.furnish()
        if options.private_tmp:
            namespaces.cover()
    except OSError as problem:
        return _refuse(problem)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_FORWARDED, signal.SIGCHLD})
        os._exit(_execute(options.command, own_pid_outside))
    return _wait_forwarding(child)


def _execute(arguments: Sequence[str], init: str) -> int:
    try:
        os.execvpe(arguments[0], list(arguments), command.environment(init))  # noqa: S606
    except (FileNotFoundError, ValueError):  # ValueError: '' is no name
        status, reason = 127, "command not found"  # numbers as a shell has them
    except OSError as problem:
        status, reason = 126, str(problem.strerror)
    print(f"error: {shlex.quote(arguments[0])}: {reason}", file=sys.stderr)  # noqa: T201
    return status


def _wait_forwarding(child: int) -> int:
    """Reap until ``child`` ends, passing on the signals that only this process received."""
    while True:
        received = signal.sigwaitinfo({*_FORWARDED, signal.SIGCHLD})
        if received.si_signo != signal.SIGCHLD:
            if received.si_code != _SI_KERNEL:
                os.kill(child, received.si_signo)
            continue
        status = _reap(child)
        if status is not None:
            return status if status >= 0 else 128 - status


def _reap(child: int) -> int | None:
    """Collect every ended child; the exit code of ``child`` if it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            found = os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
