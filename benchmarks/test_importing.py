"""Importing the package, and the interpreter that does it: processor time, not time that passes."""

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


def run(program):
    """Run a program in a fresh interpreter."""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_interpreter(benchmark):
    """An interpreter that starts and ends."""
    benchmark.pedantic(run, ["pass"], rounds=ROUNDS, warmup_rounds=1)


def test_import(benchmark):
    """The same with `import mptcpapi`."""
    benchmark.pedantic(run, ["import mptcpapi"], rounds=ROUNDS, warmup_rounds=1)
