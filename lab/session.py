"""``python -m lab.session [ARGUMENT ...]``: pytest, whose status says that it came to its end.

A status of 0 does not: it is also what ``os._exit(0)`` in a test leaves, with nothing reported.
"""

from __future__ import annotations

import runpy
import sys
from typing import Final

PASSED: Final = 100
"""The status instead of 0, when pytest has come to its end."""


def status_of(ended: int) -> int | None:
    """pytest's own status by that of this program; None when pytest did not come to its end."""
    return {PASSED: 0, 0: None}.get(ended, ended)


if __name__ == "__main__":
    try:
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        sys.exit(end.code or PASSED)
