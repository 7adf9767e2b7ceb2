"""Importing the package, and the interpreter that does it: processor time, not time that passes."""

import os
import resource
import subprocess
import sys

import pytest


def processor_time():
    """Of all child processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


pytestmark = pytest.mark.benchmark(group="importing", timer=processor_time)

ROUNDS = 20


@pytest.fixture
def run(tmp_path):
    """Run a program in a fresh interpreter, with modules compiled as pip compiles them.

    The first, which warms up, compiles them. PYTHONDONTWRITEBYTECODE would have each run do so.
    """
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return lambda program: subprocess.run(
        [sys.executable, "-c", program], check=True, env=environment
    )


def test_interpreter(benchmark, run):
    """An interpreter that starts and ends."""
    benchmark.pedantic(run, ["pass"], rounds=ROUNDS, warmup_rounds=1)


def test_import(benchmark, run):
    """The same with everything of `mptcpapi`, which `import mptcpapi` leaves to its first use."""
    benchmark.pedantic(run, ["from mptcpapi import *"], rounds=ROUNDS, warmup_rounds=1)
