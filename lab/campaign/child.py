"""``python -m lab.campaign.child PARENT [ARGUMENT ...]``: a pytest that ends when its parent does.

A worker that is killed leaves nothing behind: its attempts die with it, and their sandboxes.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys

from lab.sandbox import libc

ORPHAN = 125
"""The status of one whose parent has ended already."""

if __name__ == "__main__":
    parent = int(sys.argv.pop(1))
    libc.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(ORPHAN)
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
