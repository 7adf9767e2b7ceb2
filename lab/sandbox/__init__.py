"""The place where a lab lives: network, mount, PID, UTS and IPC namespaces of its own.

Everything that a lab makes (nodes, links, daemons, temporary files) is inside, so no other lab
meets it and the end of its first process is the whole cleanup. An ordinary user gets a user
namespace too.

Three processes stand between the caller and the command::

    outside   makes the namespaces, waits, forwards signals
    └── init  process 1 of the PID namespace: its death kills all below (pid_namespaces(7))
        └── the command

Whichever of them is killed, the others die with it, for ``init`` asked for a signal at the end of
its parent (PR_SET_PDEATHSIG, prctl(2)).
"""

from lab.sandbox.command import (
    command_line,
    entrance,
    environment_outside,
    hosts_file,
    inside,
    private_directory,
    python_in_sandbox,
    run,
)
from lab.sandbox.forbidden import explain, why_not

__all__ = [
    "command_line",
    "entrance",
    "environment_outside",
    "explain",
    "hosts_file",
    "inside",
    "private_directory",
    "python_in_sandbox",
    "run",
    "why_not",
]
