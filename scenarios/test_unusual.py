"""Networks that few would draw are built as well, and carry traffic."""

import pytest

from lab.build import Network
from lab.errors import CommandFailed
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
    there: {{{there}}}
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
    text = PAIR.format(wifi=wifi, core=core, client=", ".join(addresses), there="")
    topology = loads(text, "pair.yaml")

    with Network(topology) as network:
        client = network.node("client")
        said = [client.run("ping", "-c1", "-W5", "-I", one, "server") for one in addresses]

    assert all("1 received" in text for text in said)


@pytest.mark.parametrize("links", ["{}", "{a: {ends: [client:a, server:a], subnet: 10.0.1.0/24}}"])
def test_a_host_without_links(links):
    """A host that no link touches is built, has its shell, and says that it has no address."""
    topology = loads(
        "topology: 1\nname: island\nhosts: {client: {}, server: {}, lone: {}}\n"
        f"links: {links}", "island.yaml",
    )  # fmt: skip

    with Network(topology) as network:
        lone = network.node("lone")

        assert "lo" in lone.run("ip", "-brief", "address")
        assert lone.cmd("echo here").strip() == "here"
        assert (lone.IP(), lone.defaultIntf().updateIP()) == (None, None)


def set_link(network, up):
    """As a scenario does it."""
    network.set_link("wifi", up=up)


def link_command(network, up):
    """As Mininet's prompt does it for ``link client gw down``."""
    network.configLinkStatus("client", "gw", "up" if up else "down")


@pytest.mark.parametrize("set_state", [set_link, link_command])
@pytest.mark.parametrize("there", ["", "rate: 10 Mbit/s"], ids=["direct", "shaped"])
@pytest.mark.parametrize(
    ("wifi", "core", "source", "target"),
    [
        ("10.0.1.0/24", "10.0.9.0/24", "10.0.1.1", "10.0.9.2"),
        ("fd00:1::/64", "fd00:9::/64", "fd00:1::1", "fd00:9::2"),
    ],
    ids=["IPv4", "IPv6"],
)
def test_a_link_that_was_down_carries_traffic_again(wifi, core, source, target, there, set_state):
    """Set up again, a link has the routes that the kernel flushed when it went down."""
    text = PAIR.format(wifi=wifi, core=core, client=source, there=there)
    with Network(loads(text, "pair.yaml")) as network:
        client = network.node("client")
        before = client.run("ip", "route", "show", "table", "all")

        set_state(network, False)
        with pytest.raises(CommandFailed, match="No route to host"):
            client.run("ip", "route", "get", target, "from", source)
        set_state(network, True)

        assert "1 received" in client.run("ping", "-c1", "-W5", "-I", source, target)
        after = client.run("ip", "route", "show", "table", "all")
        assert sorted(after.split("\n")) == sorted(before.split("\n"))


def test_pingall_where_there_is_no_ipv4():
    """Mininet's pingall reaches hosts that have IPv6 addresses only, also after a prompt's use."""
    text = PAIR.format(wifi="fd00:1::/64", core="fd00:9::/64", client="fd00:1::1", there="")
    with Network(loads(text, "pair.yaml")) as network:
        network.node("server").defaultIntf().updateIP()

        assert network.pingAll(timeout="5") == 0
