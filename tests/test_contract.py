"""The fake stack behaves as the kernel does: scenarios/test_contract.py runs the same cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract_cases import RUNS, Case
from contract_sockets import RUNS as SOCKET_RUNS
from contract_worlds import FakeWorld

from mptcpapi.joins import detached


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    detached.sweep()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


@pytest.mark.parametrize(("case", "version"), RUNS + SOCKET_RUNS)
def test_the_fake_keeps_the_contract(case: Case, version: int) -> None:
    with FakeWorld(version) as world:
        case(world)
