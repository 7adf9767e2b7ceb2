"""Networks that few would draw are built as well, and carry traffic."""

import pytest

from lab.build import Network
from lab.load import loads

PAIR = """
topology: 1
name: pair
hosts: {{client: {{}}, server: {{}}}}
routers: {{gw: {{}}}}
links:
  wifi:
    ends: [client:wifi, gw:wifi]
    subnet: [{wifi}]
    addresses: {{"client:wifi": [{client}]}}
  core: {{ends: [gw:core, server:core], subnet: [{core}]}}
"""


@pytest.mark.parametrize(
    ("wifi", "core", "addresses"),
    [
        ("10.0.1.0/24", "10.0.9.0/24", ("10.0.1.1", "10.0.1.7")),
        ("fd00:1::/64", "fd00:9::/64", ("fd00:1::1", "fd00:1::7")),
    ],
    ids=["IPv4", "IPv6"],
)
def test_two_addresses_of_one_subnet_at_one_interface(wifi, core, addresses):
    """Both addresses of an interface reach what lies behind the router."""
    topology = loads(PAIR.format(wifi=wifi, core=core, client=", ".join(addresses)), "pair.yaml")

    with Network(topology) as network:
        client = network.node("client")
        said = [client.run("ping", "-c1", "-W5", "-I", one, "server") for one in addresses]

    assert all("1 received" in text for text in said)
