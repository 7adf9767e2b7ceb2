"""Many threads, connections and subflows of one process, for long: nothing is lost or left."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from own_process import descriptors, left

import mptcpapi
from lab.flow import RECEIVE_BUFFER, SEND_BUFFER
from lab.workload import Pattern, Transfer

pytestmark = pytest.mark.topology("two_paths")

HOSTS = ("10.0.1.1", "10.0.2.1")

PATIENCE = 10.0
"""seconds"""

OPENING = 60.0
"""seconds; with 160 threads on two processors, 2 of 7934 SYNs had no answer within 10 s"""


class Size(NamedTuple):
    """How much is done."""

    connections: int
    subflows: int
    """of each connection, by as many threads, besides the initial one"""
    rounds: int
    """of opening and closing, by each thread"""


@pytest.fixture
def size(request):
    """Full with ``--soak``."""
    return Size(20, 8, 50) if request.config.getoption("soak") else Size(4, 8, 4)


def netlink_sockets(node):
    """Those in the namespace of a node, by inode.

    While the kernel's table of them grows or shrinks, as others open or close many, in whatever
    namespace, it lists some twice (``rhashtable_walk_next`` begins anew). So no lines are counted.
    """
    with node.stack():
        lines = Path("/proc/thread-self/net/netlink").read_text(encoding="ascii").splitlines()
    return {line.split()[-1] for line in lines[1:]}


def connect(client, listener, undo):
    """A connection to the listener, from the client; both ends."""
    with client.stack():
        sock = undo.enter_context(mptcpapi.create_connection(listener.getsockname()))
    accepted = undo.enter_context(listener.accept()[0])
    for end in (sock, accepted):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    return sock, accepted


def open_and_close(sock, address, rounds):
    """Open and close subflows one after the other; their ids."""
    ids = []
    for _ in range(rounds):
        opened = sock.open_subflow(address, timeout=OPENING)
        ids.append(opened.id)
        sock.close_subflow(opened)
    return ids


def test_subflows_come_and_go_in_many_threads(client, server, result, size):
    """Data flows unaltered while threads open and close subflows; nothing leaks, no id returns."""
    with server.stack():
        # The kernel's path manager would refuse a ninth subflow while it still closes another.
        mptcpapi.set_path_manager("userspace")
        listener = mptcpapi.create_server(("10.0.9.2", 0))
    with listener, ThreadPoolExecutor(size.connections * size.subflows) as threads:
        before, of_client = descriptors(), netlink_sockets(client)
        with ExitStack() as undo:
            pairs = [connect(client, listener, undo) for _ in range(size.connections)]
            transfers = [
                undo.enter_context(Transfer(*pair, Pattern(result.seed + number)))
                for number, pair in enumerate(pairs)
            ]
            work = [
                [
                    threads.submit(open_and_close, sock, HOSTS[number % 2], size.rounds)
                    for number in range(size.subflows)
                ]
                for sock, _ in pairs
            ]
            for (sock, accepted), calls, transfer in zip(pairs, work, transfers, strict=True):
                ids = [number for call in calls for number in call.result()]
                check(sock, ids, size)
                wait_until_alone(accepted)
                transfer.finish()
        assert not left(descriptors, before)
        assert netlink_sockets(client) <= of_client


def check(sock, ids, size):
    """Every call opened a subflow of its own, which is gone; the initial one is there."""
    assert len(set(ids)) == len(ids) == size.subflows * size.rounds
    assert min(ids) > 1
    assert [each.id for each in sock.subflows()] == [1]


def wait_until_alone(accepted):
    """The peer knows of the last FIN a little later."""
    end = time.monotonic() + PATIENCE
    while [each.id for each in mptcpapi.subflows(accepted)] != [1]:
        assert time.monotonic() < end, mptcpapi.subflows(accepted)
