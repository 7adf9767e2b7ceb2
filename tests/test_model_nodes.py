"""Switches, and what routers translate and filter: their values, and what does not fit together."""

from __future__ import annotations

from typing import Any

import pytest
from model_data import Data, topology, wrong

from lab.model import KeyPath


def home(**changes: Data) -> Data:
    """Two hosts at a switch with a router, and a server behind it; ``changes`` go into sections."""
    data: Data = {
        "topology": "1",
        "name": "home",
        "hosts": {"client": {}, "printer": {}, "server": {}},
        "routers": {"gw": {}},
        "switches": {"lan": {"subnet": ["10.0.5.0/24", "fd00:5::/64"]}},
        "links": {
            "client": {"ends": ["client:eth0", "lan:p1"]},
            "printer": {"ends": ["lan:p2", "printer:eth0"]},
            "uplink": {"ends": ["lan:p3", "gw:lan"]},
            "core": {"ends": ["gw:core", "server:core"], "subnet": "10.0.9.0/24"},
        },
    }
    for section, entries in changes.items():
        data[section] = data[section] | entries
    return data


CLIENT = ("links", "client")


def test_ends_at_a_switch_have_addresses_in_the_order_of_links_routers_first() -> None:
    whole = topology(home())
    assert {
        node: [str(one) for one in whole.addresses_of(node)] for node in ("gw", "client", "printer")
    } == {
        "gw": ["10.0.5.1/24", "fd00:5::1/64", "10.0.9.1/24"],
        "client": ["10.0.5.2/24", "fd00:5::2/64"],
        "printer": ["10.0.5.3/24", "fd00:5::3/64"],
    }
    assert [end.addresses for _, end in whole.ends_of("lan")] == [(), (), ()]
    assert whole.nodes == ("client", "printer", "server", "gw")


def test_addresses_on_a_switch_can_be_written() -> None:
    links = {
        "client": {"ends": ["client:eth0", "lan:p1"], "addresses": {"client:eth0": "10.0.5.77"}}
    }
    whole = topology(home(links=links))
    assert [str(one.ip) for one in whole.addresses_of("client")] == ["10.0.5.77", "fd00:5::2"]


def test_joined_switches_are_one_network() -> None:
    joined = home(
        switches={"attic": {}},
        links={
            "stairs": {"ends": ["lan:p4", "attic:p1"]},
            "tv": {"ends": ["tv:eth0", "attic:p2"]},
        },
        hosts={"tv": {}},
    )
    whole = topology(joined)
    (_, tv), (_, gateway) = whole.ends_of("tv")[0], whole.ends_of("gw")[0]
    assert [str(one) for one in tv.addresses] == ["10.0.5.4/24", "fd00:5::4/64"]
    assert [end.node for end in whole.neighbours(tv)] == ["gw", "client", "printer"]
    assert [end.node for end in whole.neighbours(gateway)] == ["client", "printer", "tv"]


def test_neighbours_on_a_link() -> None:
    whole = topology(home())
    (_, server) = whole.ends_of("server")[0]
    assert [str(end) for end in whole.neighbours(server)] == ["gw:core"]


def test_a_host_may_name_its_address_on_a_switch() -> None:
    endpoint = {"address": "10.0.5.2", "flags": "subflow"}
    topology(home(hosts={"client": {"endpoints": [endpoint]}}))
    wrong_one = {**endpoint, "address": "10.0.5.3"}
    found = wrong(home(hosts={"client": {"endpoints": [wrong_one]}}))
    assert list(found) == [("hosts", "client", "endpoints", 0, "address")]


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"links": {"client": {"ends": ["client:eth0", "lan:p1"], "subnet": "10.0.6.0/24"}}},
            (*CLIENT, "subnet"),
            "the link has the subnet of switch 'lan'; write it there only",
        ),
        (
            {"links": {"client": {"ends": ["client:eth0", "lan:p1"],
                                  "addresses": {"lan:p1": "10.0.5.9"}}}},
            (*CLIENT, "addresses", "lan:p1"),
            "'lan:p1' is a port of a switch, which has no addresses",
        ),
        (
            {"links": {"client": {"ends": ["client:eth0", "lan:p1"],
                                  "addresses": {"client:eth0": "10.0.6.9"}}}},
            (*CLIENT, "addresses", "client:eth0"),
            "address 10.0.6.9 is outside the switch's subnet (10.0.5.0/24, fd00:5::/64)",
        ),
        (
            {"links": {"client": {"ends": ["client:eth0", "lan:p1"],
                                  "addresses": {"client:eth0": "10.0.5.3"}}}},
            (*CLIENT, "addresses", "client:eth0"),
            "address 10.0.5.3 is that of printer:eth0 already",
        ),
        (
            {"links": {"client": {"ends": ["client:eth0", "lan:p1"],
                                  "addresses": {"client:eth1": "10.0.5.7"}}}},
            (*CLIENT, "addresses", "client:eth1"),
            "'client:eth1' is not an end of this link (did you mean 'client:eth0'? "
            "known: client:eth0, lan:p1)",
        ),
        (
            {"switches": {"lan": {"subnet": "10.0.9.0/25"}}},
            ("switches", "lan", "subnet"),
            "subnet 10.0.9.0/25 overlaps 10.0.9.0/24 of link 'core'",
        ),
        (
            {"switches": {"lan": {"subnet": "10.0.5.0/30"}}},
            ("links", "printer", "ends"),
            "subnet 10.0.5.0/30 has no address left for 'printer:eth0'",
        ),
        (
            {"switches": {"lan": {}}},
            ("switches", "lan"),
            "'lan' needs the key 'subnet', or a switch joined to it does",
        ),
        (
            {"switches": {"attic": {"subnet": "10.0.6.0/24"}},
             "links": {"stairs": {"ends": ["lan:p4", "attic:p1"]}}},
            ("switches", "attic", "subnet"),
            "the switch is joined to 'lan', which has the subnet; write it once",
        ),
        (
            {"switches": {"attic": {}},
             "links": {"stairs": {"ends": ["lan:p4", "attic:p1"]},
                       "pipe": {"ends": ["attic:p2", "lan:p5"]}}},
            ("links", "pipe"),
            "the link closes a loop of switches",
        ),
        (
            {"switches": {"Client": {"subnet": "10.0.6.0/24"}}},
            ("switches", "Client"),
            "the name 'Client' is taken (upper and lower case are the same)",
        ),
        (
            {"switches": {"lan": {"subnet": ["10.0.5.0/24", "fd00:5::/64"], "subnets": "x"}}},
            ("switches", "lan", "subnets"),
            "unknown key 'subnets' (did you mean 'subnet'? known: kind, subnet)",
        ),
        (
            {"links": {"core": {"ends": ["gw:core", "server:core"]}}},
            ("links", "core"),
            "'core' needs the key 'subnet'",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_at_a_switch(changes: Data, path: KeyPath, message: str) -> None:
    assert wrong(home(**changes)) == {path: message}


def test_a_misspelled_subnet_is_one_mistake() -> None:
    assert set(wrong(home(switches={"lan": {"subnt": "10.0.5.0/24"}}))) == {
        ("switches", "lan", "subnt")
    }


RULE: Data = {"action": "drop", "packets": "new", "from": "core"}


def gateway(**router: Any) -> Data:
    """The home with keys of its router."""
    return home(routers={"gw": router})


def test_rules_are_read_in_their_order() -> None:
    rules = [
        {"action": "reset", "to": "core", "port": ["80", "5000-5999"], "packets": "syn"},
        {"action": "drop", "option": "30", "mptcp": "MP_JOIN"},
        RULE,
    ]
    router = topology(gateway(nat="core", firewall=rules, idle_timeout="30 s")).routers["gw"]
    assert (router.nat, router.idle_timeout) == (("core",), 30)
    first, second, third = router.firewall
    assert (first.action, first.leave_by, first.packets) == ("reset", "core", "syn")
    assert first.ports == ((80, 80), (5000, 5999))
    assert (second.option, second.subtype, second.come_by) == (30, "MP_JOIN", None)
    assert (third.packets, third.come_by) == ("new", "core")


@pytest.mark.parametrize(
    ("router", "path", "message"),
    [
        ({"nat": "wan"}, ("nat",), "'gw' has no interface 'wan' (did you mean 'lan'? known: core"),
        ({"nat": ["lan", "x y"]}, ("nat", 1), "'x y' is not an interface name"),
        (
            {"firewall": {"action": "drop"}},
            ("firewall",),
            "a mapping where a list of rules belongs",
        ),
        ({"firewall": []}, ("firewall",), "a list where a list of rules belongs"),
        ({"firewall": ["drop"]}, ("firewall", 0), "entry 1 of 'firewall' is a mapping ("),
        (
            {"firewall": [{"from": "lan"}]},
            ("firewall", 0),
            "entry 1 of 'firewall' needs the key 'action'",
        ),
        ({"firewall": [RULE | {"form": "lan"}]}, ("firewall", 0, "form"), "did you mean 'from'?"),
        (
            {"firewall": [RULE | {"from": "cor"}]},
            ("firewall", 0, "from"),
            "'gw' has no interface 'cor' (did you mean 'core'?",
        ),
        (
            {"firewall": [RULE | {"action": "deny"}]},
            ("firewall", 0, "action"),
            "unknown action 'deny' (known: drop, reset, unreachable)",
        ),
        (
            {"firewall": [RULE | {"packets": "news"}]},
            ("firewall", 0, "packets"),
            "unknown kind of packets 'news' (did you mean 'new'? known: new, syn)",
        ),
        (
            {"firewall": [RULE | {"mptcp": "MP_JION"}]},
            ("firewall", 0, "mptcp"),
            "unknown MPTCP option 'MP_JION' (did you mean 'MP_JOIN'? known: MP_CAPABLE, MP_JOIN)",
        ),
        (
            {"firewall": [RULE | {"option": "1"}]},
            ("firewall", 0, "option"),
            "'1' is not the kind of a TCP option, 2 to 254 (MPTCP is 30)",
        ),
        (
            {"firewall": [RULE | {"port": ["80", "90-80"]}]},
            ("firewall", 0, "port", 1),
            "'90-80' is neither a port from 1 to 65535 nor a range 5000-5999",
        ),
        ({"nat": "core", "idle_timeout": "0.5 s"}, ("idle_timeout",), "not a whole number of sec"),
        (
            {"firewall": [RULE | {"packets": "syn"}], "idle_timeout": "30 s"},
            ("idle_timeout",),
            "the router knows of no connections: it has neither nat nor a rule for new packets",
        ),
    ],
)
def test_what_a_router_cannot_do(router: Data, path: KeyPath, message: str) -> None:
    found = wrong(gateway(**router))
    assert list(found) == [("routers", "gw", *path)]
    assert message in found[("routers", "gw", *path)]
