"""Each address of a host has its way, and no other: as its kernel says, asked for a route."""

from errno import EHOSTUNREACH
from ipaddress import ip_address

import pytest

from lab.build import Network
from lab.doctor.routes import Hop, Refusal, ask
from lab.load import loads

TEXT = """
topology: 1
name: many_addresses
hosts: {client: {}, server: {}}
routers: {gw: {}}
links:
  wifi:
    ends: [client:wifi, gw:wifi]
    subnet: [10.0.1.0/24, fd00:1::/64]
    addresses: {client:wifi: [10.0.1.1, 10.0.1.7, fd00:1::1, fd00:1::7]}
  lte:
    ends: [client:lte, gw:lte]
    subnet: [10.0.2.0/24, 10.0.3.0/24, fd00:2::/64]
  core: {ends: [gw:core, server:core], subnet: [10.0.9.0/24, fd00:9::/64]}
"""

SERVER = {4: ip_address("10.0.9.2"), 6: ip_address("fd00:9::2")}
WAYS = {
    "10.0.1.1": ("wifi", "10.0.1.2"),
    "10.0.1.7": ("wifi", "10.0.1.2"),
    "fd00:1::1": ("wifi", "fd00:1::2"),
    "fd00:1::7": ("wifi", "fd00:1::2"),
    "10.0.2.1": ("lte", "10.0.2.2"),
    "10.0.3.1": ("lte", "10.0.2.2"),
    "fd00:2::1": ("lte", "fd00:2::2"),
}


def ways(client):
    """Where packets to the server go, by their source."""
    with client.stack():
        return {
            source: ask(SERVER[ip_address(source).version], ip_address(source)) for source in WAYS
        }


@pytest.fixture
def network():
    """The network, up."""
    with Network(loads(TEXT, "many_addresses.yaml")) as network:
        yield network


def test_each_address_leads_to_its_own_router(network):
    """Of both families, and of several addresses and subnets of one interface."""
    expected = {source: Hop(by, ip_address(router)) for source, (by, router) in WAYS.items()}

    assert ways(network.node("client")) == expected


def test_a_link_that_is_down_has_no_detour(network):
    """Packets from its addresses go nowhere, instead of by the other link; the others go on."""
    client = network.node("client")
    before = ways(client)

    network.set_link("lte", up=False)
    down = ways(client)
    network.set_link("lte", up=True)

    for source, (by, _) in WAYS.items():
        assert down[source] == (before[source] if by == "wifi" else Refusal(EHOSTUNREACH)), source
    assert ways(client) == before
