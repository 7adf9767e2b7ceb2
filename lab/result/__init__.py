"""Kept runs, read back: ``lab.result.open(path)``, and ``lab.result.runs(store)`` for many.

A store is any directory with runs in it, as ``results/``. Nothing is read before it is asked for.
"""

from lab.result.kept import Result, open
from lab.result.store import find_run, runs

__all__ = ["Result", "find_run", "open", "runs"]
