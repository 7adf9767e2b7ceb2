"""Rules and routes that follow from a topology."""

from ipaddress import ip_address, ip_network

import pytest

from lab.load import loads
from lab.routing import Route, Rule, routes, rules

CHAIN = """
topology: 1
name: chain
hosts: {client: {}, server: {}}
routers: {near: {}, far: {}, aside: {}}
links:
  wifi:   {ends: [client:wifi, near:wifi], subnet: [10.0.1.0/24, fd00:1::/64]}
  lte:    {ends: [client:lte, near:lte], subnet: 10.0.2.0/24}
  direct: {ends: [client:direct, server:direct], subnet: 10.0.3.0/24}
  middle: {ends: [near:middle, far:middle], subnet: [10.0.8.0/24, fd00:8::/64]}
  detour: {ends: [near:detour, aside:detour], subnet: 10.0.6.0/24}
  return: {ends: [aside:return, far:return], subnet: 10.0.7.0/24}
  core:   {ends: [far:core, server:core], subnet: [10.0.9.0/24, fd00:9::/64]}
"""


@pytest.fixture
def chain():
    return loads(CHAIN, "chain.yaml")


def test_each_address_of_a_host_has_its_table(chain):
    assert rules(chain, "client") == (
        Rule(ip_address("10.0.1.1"), 1000),
        Rule(ip_address("fd00:1::1"), 1000),
        Rule(ip_address("10.0.2.1"), 1001),
        Rule(ip_address("10.0.3.1"), 1002),
    )
    assert rules(chain, "near") == ()


def test_a_table_holds_its_link_its_router_and_an_end(chain):
    table = [route for route in routes(chain, "client") if route.table == 1001]

    everywhere, everywhere6 = ip_network("0.0.0.0/0"), ip_network("::/0")
    assert table == [
        Route(ip_network("10.0.2.0/24"), "lte", table=1001),
        Route(everywhere, "lte", ip_address("10.0.2.2"), 1001),
        Route(everywhere, None, table=1001),
        Route(everywhere6, None, table=1001),
    ]


def test_a_link_without_router_leads_nowhere_else(chain):
    table = [route for route in routes(chain, "client") if route.table == 1002]

    assert all(route.gateway is None for route in table)


def test_the_main_table_has_one_default_per_family(chain):
    main = [route for route in routes(chain, "client") if route.table == 254]

    assert main == [
        Route(ip_network("0.0.0.0/0"), "wifi", ip_address("10.0.1.2")),
        Route(ip_network("::/0"), "wifi", ip_address("fd00:1::2")),
    ]


def test_a_router_knows_the_shortest_way_to_each_subnet(chain):
    ways = {route.destination: route for route in routes(chain, "near")}

    assert ways[ip_network("10.0.9.0/24")].gateway == ip_address("10.0.8.2")
    assert ways[ip_network("fd00:9::/64")].gateway == ip_address("fd00:8::2")
    assert ip_network("10.0.1.0/24") not in ways


def test_two_addresses_in_one_subnet_share_its_route():
    pair = loads(
        "topology: 1\nname: pair\nhosts: {client: {}, server: {}}\nlinks:\n"
        "  wifi: {ends: [client:wifi, server:wifi], subnet: 10.0.1.0/24,"
        " addresses: {client:wifi: [10.0.1.1, 10.0.1.7]}}",
        "pair.yaml",
    )

    assert [rule.source for rule in rules(pair, "client")] == [
        ip_address("10.0.1.1"), ip_address("10.0.1.7"),
    ]  # fmt: skip
    subnets = [route for route in routes(pair, "client") if route.interface]
    assert subnets == [Route(ip_network("10.0.1.0/24"), "wifi", table=1000)]


def test_no_host_has_so_many_links_that_it_takes_a_table_of_the_kernel():
    links = "".join(
        f"  l{i}: {{ends: [client:c{i}, server:s{i}], subnet: 10.1.{i}.0/24}}\n" for i in range(200)
    )
    many = loads(
        f"topology: 1\nname: many\nhosts: {{client: {{}}, server: {{}}}}\nlinks:\n{links}",
        "many.yaml",
    )

    tables = {rule.table for rule in rules(many, "client")}
    assert len(tables) == 200
    assert not tables & {0, 253, 254, 255}, "<linux/rtnetlink.h> gives them to the kernel"


SWITCHED = """
topology: 1
name: switched
hosts: {client: {}, printer: {}, server: {}}
routers: {home: {nat: [wan]}, isp: {}, mast: {}}
switches:
  lan: {subnet: [10.0.1.0/24, fd00:1::/64]}
  exchange: {subnet: [10.0.9.0/24, fd00:9::/64]}
links:
  client:  {ends: [client:wlan, lan:client]}
  printer: {ends: [printer:eth0, lan:printer]}
  home:    {ends: [home:lan, lan:home]}
  wan:     {ends: [home:wan, isp:home], subnet: [10.0.8.0/24, fd00:8::/64]}
  lte:     {ends: [client:lte, mast:lte], subnet: [10.0.2.0/24, fd00:2::/64]}
  isp:     {ends: [isp:up, exchange:isp]}
  mast:    {ends: [mast:up, exchange:mast]}
  server:  {ends: [server:eth0, exchange:server]}
"""


@pytest.fixture
def switched():
    return loads(SWITCHED, "switched.yaml")


def test_the_gateway_of_a_host_is_the_router_at_its_switch(switched):
    for host, interface in (("client", "wlan"), ("printer", "eth0")):
        table = [route for route in routes(switched, host) if route.table == 1000]
        assert [(str(r.destination), r.interface, r.gateway and str(r.gateway)) for r in table] == [
            ("10.0.1.0/24", interface, None),
            ("fd00:1::/64", interface, None),
            ("0.0.0.0/0", interface, "10.0.1.1"),
            ("0.0.0.0/0", None, None),
            ("::/0", interface, "fd00:1::1"),
            ("::/0", None, None),
        ]


def test_of_several_routers_at_a_switch_each_leads_to_what_is_behind_it(switched):
    ways = {
        str(route.destination): str(route.gateway)
        for route in routes(switched, "server")
        if route.table == 1000 and route.gateway
    }

    assert ways == {
        "10.0.8.0/24": "10.0.9.1",
        "10.0.2.0/24": "10.0.9.2",
        "0.0.0.0/0": "10.0.9.1",
        "fd00:8::/64": "fd00:9::1",
        "fd00:2::/64": "fd00:9::2",
        "fd00:1::/64": "fd00:9::1",
        "::/0": "fd00:9::1",
    }


def test_nobody_knows_what_is_behind_a_translating_router(switched):
    isp = {str(route.destination) for route in routes(switched, "isp")}
    mast = {str(route.destination) for route in routes(switched, "mast")}

    assert {"10.0.2.0/24", "fd00:2::/64", "fd00:1::/64"} == isp
    assert {"10.0.8.0/24", "fd00:8::/64", "fd00:1::/64"} == mast
    home = {str(route.destination) for route in routes(switched, "home")}
    assert {"10.0.9.0/24", "10.0.2.0/24"} <= home


def test_switches_have_no_routes(switched):
    assert rules(switched, "lan") == ()
