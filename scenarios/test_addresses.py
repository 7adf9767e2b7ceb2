"""Announcing addresses, and what the kernel's path manager does (RFC 8684, section 3.4)."""

import errno

import pytest

import mptcpapi
from lab.wire.mptcp import MptcpOption, Subtype
from mptcpapi import AddressFlag, EventKind, InvalidArgument

pytestmark = pytest.mark.topology("two_paths")

RECEIVER = pytest.mark.flow(sender="server")
"""Linux 6.18 may lose a REMOVE_ADDR while the host that sends it sends data (docs/mptcpapi.md)."""

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


def options(seen, subtype):
    """The segments that carry this option, with it."""
    return [found for found in seen.all(MptcpOption) if found[1].subtype == subtype]


@both_families
@RECEIVER
def test_an_address_is_announced_and_withdrawn(flow, capture):
    """ADD_ADDR tells the peer of an address, REMOVE_ADDR takes it back."""
    address = flow.address("client", "lte")
    flow.wait_delivered("100 kB")

    number = flow.connection.announce(address)
    told = flow.events["server"].wait(EventKind.ANNOUNCED, remote_id=number)
    flow.connection.withdraw(number)

    assert told.remote == (address, flow.first.local.port)
    flow.events["server"].wait(EventKind.REMOVED, remote_id=number)
    seen = capture.until("server", lambda seen: options(seen.arrived(), Subtype.REMOVE_ADDR))
    (added, _), *_ = options(seen.arrived(), Subtype.ADD_ADDR)
    (removed, _), *_ = options(seen.arrived(), Subtype.REMOVE_ADDR)
    assert added.time < removed.time
    assert seen.joins() == ()


def test_an_address_is_announced_with_its_port(flow, capture):
    """The port of an announced address reaches the peer, and so does the id asked for."""
    flow.wait_delivered("100 kB")

    assert flow.connection.announce(("10.0.2.1", 7000), id=7) == 7

    flow.events["server"].wait(EventKind.ANNOUNCED, remote=("10.0.2.1", 7000), remote_id=7)
    assert options(capture.at("server").arrived(), Subtype.ADD_ADDR)


@both_families
@RECEIVER
def test_withdrawing_the_address_of_a_subflow_closes_it(flow, capture):
    """When its address is taken back, the peer closes the subflow; the data goes on."""
    first = flow.first
    lte = flow.open_subflow("lte")
    capture.until("client", lambda seen: seen.arrived().on(lte).payload() > 10_000)

    flow.connection.withdraw(lte.local_id)

    flow.events["server"].wait(EventKind.REMOVED, remote_id=lte.local_id)
    flow.events["client"].wait(EventKind.SUB_CLOSED, lte)
    capture.until(
        "client", lambda seen: seen.arrived().on(first).after(seen.on(lte).end).payload() > 100_000
    )
    assert options(capture.at("server").arrived(), Subtype.REMOVE_ADDR)
    assert [subflow.id for subflow in flow.connection.subflows()] == [first.id]


def test_an_address_that_was_never_announced(flow, capture):
    """Nothing is sent for an id that the connection does not know; the error names it."""
    flow.wait_delivered("100 kB")

    with pytest.raises(InvalidArgument, match="address id 99: the connection has no such"):
        flow.connection.withdraw(99)
    flow.connection.announce(flow.address("client", "lte"), id=3)

    flow.events["server"].wait(EventKind.ANNOUNCED, remote_id=3)
    assert not options(capture.at("server").arrived(), Subtype.REMOVE_ADDR)


def test_the_path_manager_is_that_of_the_beginning(flow, client):
    """A connection keeps its path manager; new ones have what the namespace is set to."""
    with client.stack():
        mptcpapi.set_path_manager("kernel")
        later = mptcpapi.create_connection(flow.listener.getsockname())

    with later:
        assert mptcpapi.path_manager(flow.connection) == "userspace"
        assert mptcpapi.path_manager(flow.accepted) == "kernel"
        assert later.path_manager() == "kernel"
    with client.stack():
        mptcpapi.set_path_manager("userspace")
    assert client.sysctl("net.mptcp.pm_type") == "1"


def test_the_kernel_opens_a_subflow_from_an_endpoint(client, server, capture):
    """An endpoint with the flag SUBFLOW makes the kernel's path manager join from it."""
    with client.stack():
        mptcpapi.set_path_manager("kernel")
        limits = mptcpapi.set_limits(subflows=3)
        endpoint = mptcpapi.add_endpoint("10.0.2.1", AddressFlag.SUBFLOW, interface="lte")
        assert mptcpapi.endpoints() == (endpoint,)
    with server.stack():
        listener = mptcpapi.create_server(("10.0.9.2", 5001))

    with client.stack(), mptcpapi.create_connection(("10.0.9.2", 5001)) as sock:
        sock.sendall(b"data")
        accepted, _ = listener.accept()
        accepted.sendall(accepted.recv(4))
        seen = capture.until("server", lambda seen: seen.joins() and seen.join().ack)

        assert sock.mptcp_info().subflows_max == limits.subflows == 3
        _, second = sock.subflow_details()
        mptcpapi.remove_endpoint(endpoint)
        assert mptcpapi.endpoints() == ()
    assert seen.join().initiator == second.local
    assert (second.local.host, second.local_id) == ("10.0.2.1", endpoint.id)
    for each in (accepted, listener):
        each.close()


def test_the_kernel_says_why_it_refuses(client):
    """What is refused by the kernel says what it was about, and the kernel's own sentence."""
    with client.stack():
        endpoint = mptcpapi.add_endpoint("10.0.2.1", AddressFlag.SUBFLOW, id=5)
        with pytest.raises(mptcpapi.KernelRefused, match=r"endpoint 10\.0\.2\.1: ") as twice:
            mptcpapi.add_endpoint("10.0.2.1", AddressFlag.SUBFLOW)
        mptcpapi.remove_endpoint(5)
        with pytest.raises(mptcpapi.KernelRefused, match="endpoint 5: address not found"):
            mptcpapi.remove_endpoint(endpoint)
        with pytest.raises(mptcpapi.KernelRefused, match=r"limits \(200, 0\): limit greater"):
            mptcpapi.set_limits(subflows=200)

    assert twice.value.errno == errno.EEXIST
    assert endpoint == (5, ("10.0.2.1", 0), AddressFlag.SUBFLOW, 0)
