"""Subflows that the peer opens to a host with the userspace path manager (RFC 8684, section 3)."""

import errno
import socket
from contextlib import contextmanager

import pytest

import mptcpapi
from mptcpapi import AddressFlag

pytestmark = pytest.mark.topology("two_paths")

SERVER = "10.0.9.2"


@contextmanager
def connected(client, server):
    """A connection of the client's kernel's path manager to the server's userspace one.

    Nobody follows events here: any who did would be the listener that the kernel wants.
    """
    with server.stack():
        mptcpapi.set_path_manager("userspace")
        listener = mptcpapi.create_server((SERVER, 5001))
    with client.stack():
        mptcpapi.set_path_manager("kernel")
        mptcpapi.set_limits(subflows=2, add_addr_accepted=2)
        sock = mptcpapi.create_connection((SERVER, 5001))
    with listener, sock:
        accepted, _ = listener.accept()
        with accepted:
            for sender, receiver in ((sock, accepted), (accepted, sock)):
                sender.sendall(b"data")
                receiver.recv(4)
            yield listener, accepted


def test_a_server_lets_subflows_in(client, server, capture):
    """A server of the userspace path manager accepts what its client's kernel opens."""
    with connected(client, server) as (_, accepted):
        with client.stack():
            mptcpapi.add_endpoint("10.0.2.1", AddressFlag.SUBFLOW)
        seen = capture.until("server", lambda seen: len(accepted.subflows()) == 2 and seen.joins())

        assert accepted.path_manager() == "userspace"
        _, second = accepted.subflow_details()
        assert second.remote.host == "10.0.2.1"
        assert second.fully_established
        with server.stack():
            assert mptcpapi.counters()["MPJoinAckRx"] == 1
    assert seen.join().initiator == second.remote
    assert not any(segment.rst for segment in seen)


def test_subflows_come_to_descriptors_that_were_taken_away(client, server, capture):
    """As ssl takes them from the sockets that it wraps: subflows are accepted all the same."""
    with (
        connected(client, server) as (listener, accepted),
        socket.socket(fileno=listener.detach()),
        socket.socket(fileno=accepted.detach()) as taken,
    ):
        with client.stack():
            mptcpapi.add_endpoint("10.0.2.1", AddressFlag.SUBFLOW)
        seen = capture.until(
            "server", lambda seen: len(mptcpapi.subflows(taken)) == 2 and seen.joins()
        )

        assert mptcpapi.subflow_details(taken)[1].fully_established
        with server.stack():
            assert mptcpapi.counters()["MPJoinAckRx"] == 1
    assert not any(segment.rst for segment in seen)


def test_subflows_come_to_an_announced_port(client, server, capture):
    """The server has closed its listener; what it announces is listened at, until withdrawn."""
    with connected(client, server) as (listener, accepted):
        listener.close()
        number = accepted.announce((SERVER, 7000), listen=True)
        seen = capture.until("server", lambda seen: len(accepted.subflows()) == 2 and seen.joins())

        _, second = accepted.subflow_details()
        assert second.local == (SERVER, 7000)
        accepted.withdraw(number)
        with client.stack(), pytest.raises(ConnectionRefusedError):
            socket.create_connection((SERVER, 7000), 5)
        with server.stack():
            assert mptcpapi.counters()["MPJoinPortAckRx"] == 1
    assert seen.join().responder == second.local


def test_a_port_that_is_taken(client, server, capture):
    """What cannot be listened at is not announced, and the error says why."""
    with connected(client, server) as (_, accepted):
        with pytest.raises(mptcpapi.KernelRefused, match="cannot listen at 10") as taken:
            accepted.announce(SERVER, listen=True)
        accepted.announce((SERVER, 7000), id=3, listen=True)
        seen = capture.until("client", lambda seen: seen.joins() and seen.join().ack)

    assert taken.value.errno == errno.EADDRINUSE
    assert [join.responder for join in seen.joins()] == [(SERVER, 7000)]
