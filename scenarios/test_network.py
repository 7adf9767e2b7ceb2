"""A built network is what its file says."""

import socket

import pytest

from lab.environment import settings
from lab.errors import UsageError

pytestmark = pytest.mark.topology("two_paths")


def test_names_resolve_to_every_address(net, topology):
    """A host's name stands for all of its addresses, in every program of the sandbox."""
    addresses = {str(address.ip) for address in topology.addresses_of("server")}

    resolved = {entry[4][0] for entry in socket.getaddrinfo("server", 80)}
    looked_up = net.node("client").run("getent", "ahosts", "server")

    assert resolved == addresses
    assert all(address in looked_up for address in addresses)


def test_interfaces_are_named_as_in_the_file(net, topology):
    """Every interface has its name and its addresses, in the namespace of its node."""
    for name in topology.nodes:
        shown = net.node(name).run("ip", "-brief", "address")
        for _, end in topology.ends_of(name):
            (line,) = [row.split() for row in shown.splitlines() if row.startswith(end.interface)]
            assert {str(address) for address in end.addresses} <= set(line[2:])


def test_a_node_that_is_not_there(net):
    """Whichever way it is asked for, the message has those that are."""
    for ask in (net.node, net.get, net.__getitem__):
        with pytest.raises(UsageError, match=r"has no node 'gx' \(client, gw, server\)"):
            ask("gx")
    assert net["gw"] is net.get("gw") is net.node("gw")
    assert net.get("gw", "client") == [net["gw"], net["client"]]


def test_a_source_address_chooses_its_link(net, topology, capture):
    """From each address of the client, packets leave by the link of that address."""
    client, server = net.node("client"), net.node("server")
    target = str(topology.addresses_of("server")[0].ip)
    listener = server.msocket(socket.AF_INET, socket.SOCK_STREAM)
    with listener:
        listener.bind((target, 0))
        listener.listen()
        for _, end in topology.ends_of("client"):
            with client.msocket(socket.AF_INET, socket.SOCK_STREAM) as connection:
                connection.bind((str(end.addresses[0].ip), 0))
                connection.connect(listener.getsockname())

    index = {}
    for line in client.run("ip", "-oneline", "link").splitlines():
        number, name = line.split(":")[:2]
        index[name.strip().partition("@")[0]] = int(number)
    used = {(s.source.host, s.interface) for s in capture.at("client").sent() if s.syn}
    assert used == {
        (str(end.addresses[0].ip), index[end.interface]) for _, end in topology.ends_of("client")
    }


def test_the_path_manager_is_the_one_asked_for(net, topology):
    """The client's connections are managed from user space, the server's by its kernel."""
    assert settings(net.node("client"))["net.mptcp.pm_type"] == "1"
    assert settings(net.node("server"))["net.mptcp.pm_type"] == "0"


def test_a_rate_bounds_what_arrives(flow, capture, topology):
    """Of a link's declared rate the payload takes a little less, and never more."""
    flow.wait_delivered("1 MB")

    arrived = capture.at("server").arrived().on(flow.first)
    bits_per_second = 8 * arrived.payload() / (arrived.end - arrived.start)
    assert bits_per_second < topology.link("wifi").there.rate


def test_a_segment_is_a_packet(flow, capture):
    """Neither end nor wire joins segments: what is captured fits into an Ethernet frame."""
    flow.wait_delivered("500 kB")

    for host in ("client", "server"):
        assert max(segment.payload for segment in capture.at(host)) <= 1460
