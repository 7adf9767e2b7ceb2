"""The benchmarks themselves: that they run, not how fast."""

import subprocess
import sys


def test_every_benchmark_runs(request):
    """Each is carried out once, in this sandbox, and measures nothing."""
    command = [sys.executable, "-m", "pytest", "benchmarks", "--benchmark-disable", "-q",
               "-p", "no:cacheprovider", "--keep", "failed"]  # fmt: skip

    done = subprocess.run(
        command, cwd=request.config.rootpath, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
