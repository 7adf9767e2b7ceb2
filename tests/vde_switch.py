"""VDE switches that a scenario starts."""

from __future__ import annotations

import ctypes
import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def skip_unless_there(*programs: str) -> None:
    """Skip the test, with what to do, where a program is missing."""
    for program in programs:
        if not any(Path(directory, program).exists() for directory in os.get_exec_path()):
            pytest.skip(f"{program} is missing: .ci/install-system-packages installs it")


def skip_unless_library(library: str, package: str) -> None:
    """Skip the test, with what to do, where a library is missing."""
    try:
        ctypes.CDLL(library)
    except OSError as missing:
        pytest.skip(f"{missing}: install the package {package}")


@contextmanager
def switch(directory: Path) -> Iterator[str]:
    """A VDE switch that ends with its input; the locator of its network."""
    skip_unless_there("vde_switch", "vde_plug")
    path = Path(directory) / "switch"
    with subprocess.Popen(
        ["vde_switch", "-s", path, "-f", "/dev/null"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(b"showinfo\n")
            process.stdin.flush()
            said = b""
            while b"1000 Success" not in said:
                assert select.select([process.stdout], [], [], 10)[0], f"the switch says {said!r}"
                read = os.read(process.stdout.fileno(), 4096)
                assert read, f"the switch ended: {said!r}"
                said += read
            yield f"vde://{path}"
        finally:
            process.kill()
