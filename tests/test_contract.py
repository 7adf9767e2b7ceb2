"""The fake stack behaves as the kernel does: scenarios/test_contract.py runs the same cases."""

from collections.abc import Iterator

import pytest
from contract_cases import RUNS, Case
from contract_sockets import RUNS as SOCKET_RUNS
from contract_worlds import FakeWorld
from own_process import descriptors, left

from mptcpapi.joins import detached


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    before = descriptors()
    yield
    detached.sweep()
    assert not left(descriptors, before)


@pytest.mark.parametrize(("case", "version"), RUNS + SOCKET_RUNS)
def test_the_fake_keeps_the_contract(case: Case, version: int) -> None:
    with FakeWorld(version) as world:
        case(world)
