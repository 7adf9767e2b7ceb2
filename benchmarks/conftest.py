"""What the benchmarks share: a connection over a veth pair, and the machine's load."""

import os

import pytest

import mptcpapi

EIGHT = 8
"""The most subflows that the server's path manager accepts besides the initial one."""

LOAD = pytest.StashKey[tuple[float, float, float]]()


def pytest_configure(config):
    """Note how busy the machine is before the benchmarks make it so."""
    config.stash[LOAD] = os.getloadavg()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config, machine_info):
    """Say how busy the machine was: the load of the minute before."""
    machine_info["load"] = config.stash[LOAD][0]


@pytest.fixture
def connection(client, server):
    """A settled connection at the client, where the test's thread then is."""
    with server.stack():
        mptcpapi.set_limits(subflows=EIGHT)
        listener = mptcpapi.create_server(("10.0.1.2", 0))
    with listener, client.stack(), mptcpapi.create_connection(listener.getsockname()) as sock:
        accepted, _ = listener.accept()
        with accepted:
            sock.sendall(b"ping")
            accepted.sendall(accepted.recv(4))
            sock.recv(4)
            yield sock


@pytest.fixture
def crowded(connection):
    """The connection with 8 subflows."""
    for _ in range(EIGHT - 1):
        connection.open_subflow()
    return connection
