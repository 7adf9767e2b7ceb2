"""Become a program that ends with the thread that started it.

A program of its own: ``python ending.py PROCESS COMMAND…``. PR_SET_PDEATHSIG (prctl(2)) has to be
asked for by the process that is to end, before it becomes the other program. ``PROCESS`` is the id
of the one that started it: it may have ended before.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""<linux/prctl.h>"""


def main() -> None:
    """Ask for the signal, and become the command."""
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() == int(sys.argv[1]):
        os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
