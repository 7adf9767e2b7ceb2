"""An option of one subflow, and the pass of the BPF iterator that carries it out."""

import socket

import pytest

from mptcpapi import NoPrivilege
from mptcpapi.subflow_options.walk import shared_walk

pytestmark = [
    pytest.mark.topology("veth"),
    pytest.mark.benchmark(group="options"),
]

MARK = (socket.SOL_SOCKET, socket.SO_MARK)


@pytest.fixture
def walk():
    """The loaded program."""
    try:
        return shared_walk()
    except NoPrivilege as reason:
        pytest.skip(str(reason))


def test_iterator(walk, connection, benchmark):
    """One pass of the iterator over all sockets, without an order."""
    benchmark(walk.walk, connection.fileno())


def test_get_subflow_option(walk, connection, benchmark):
    """`get_subflow_option`."""
    assert benchmark(connection.get_subflow_option, 1, *MARK) == 0


def test_set_subflow_option(walk, connection, benchmark):
    """`set_subflow_option`."""
    benchmark(connection.set_subflow_option, 1, *MARK, 7)

    assert connection.get_subflow_option(1, *MARK) == 7
