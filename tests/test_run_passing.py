"""``mptcpapi run``: sockets made in other ways than by the system call that stops."""

import subprocess
from errno import ENOPROTOOPT, EOPNOTSUPP
from pathlib import Path
from socket import IPPROTO_MPTCP, IPPROTO_TCP
from typing import NamedTuple

import pytest
from old_programs import compile_c
from supervised import PATIENCE, needs_mptcp, run


class Told(NamedTuple):
    """What came of each way to make a socket."""

    alone: dict[str, str]
    """Without supervisor."""
    under: dict[str, str]
    trace: str


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """By the program, alone and under ``mptcpapi run --trace``."""
    program = str(compile_c("passing.c", tmp_path / "passing", "-static", "-no-pie"))
    alone = subprocess.run([program], capture_output=True, text=True, check=True, timeout=PATIENCE)
    under = run("--trace", "--", program)

    assert under.returncode == 0, under.stderr
    return Told(by_way(alone.stdout), by_way(under.stdout), under.stderr)


def by_way(said: str) -> dict[str, str]:
    lines = (line.partition(" ") for line in said.splitlines())
    return {way: what for way, _, what in lines}


@needs_mptcp
def test_a_child_that_has_its_parents_memory(told: Told) -> None:
    """Its parent waits for it, as vfork(2) has it."""
    assert told.alone["vfork"] == str(int(IPPROTO_TCP))
    assert told.under["vfork"] == str(int(IPPROTO_MPTCP))


@pytest.mark.parametrize("way", ["i386", "socketcall", "io_uring"])
def test_others_pass_by(told: Told, way: str) -> None:
    """Calls of 32 bits, of a program of 64 bits too, and those of io_uring are the kernel's."""
    if told.alone.get(way) != str(int(IPPROTO_TCP)):
        pytest.skip(f"no sockets are made by {way} here: {told.alone.get(way)}")
    assert told.under[way] == told.alone[way]


def test_an_old_option_by_a_call_of_32_bits_is_not_answered(told: Told) -> None:
    if not told.alone.get("option", "signal").startswith("-"):
        pytest.skip(f"no calls of 32 bits here: {told.alone.get('option')}")
    assert int(told.under["option"]) in {-ENOPROTOOPT, -EOPNOTSUPP}
    assert "getsockopt" not in told.trace
