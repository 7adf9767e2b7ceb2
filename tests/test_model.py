"""The values of a topology, and what follows from them."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest
from model_data import pair, topology, two_links

from lab.errors import UsageError
from lab.model import Direction
from lab.units import Queue


@pytest.mark.parametrize(
    ("subnet", "first", "second"),
    [
        ("10.0.1.0/24", ["10.0.1.1/24"], ["10.0.1.2/24"]),
        ("10.0.1.4/30", ["10.0.1.5/30"], ["10.0.1.6/30"]),
        ("10.0.1.4/31", ["10.0.1.4/31"], ["10.0.1.5/31"]),
        ("fd00:1::/64", ["fd00:1::1/64"], ["fd00:1::2/64"]),
        ("fd00:1::/127", ["fd00:1::/127"], ["fd00:1::1/127"]),
        (
            ["10.0.1.0/24", "fd00:1::/64"],
            ["10.0.1.1/24", "fd00:1::1/64"],
            ["10.0.1.2/24", "fd00:1::2/64"],
        ),
    ],
)
def test_addresses_follow_from_the_subnets(
    subnet: object, first: list[str], second: list[str]
) -> None:
    ends = topology(pair(subnet=subnet)).links["wifi"].ends
    assert ends[0].addresses == tuple(map(ip_interface, first))
    assert ends[1].addresses == tuple(map(ip_interface, second))


def test_written_addresses_replace_those_of_their_subnet_only() -> None:
    link = topology(
        pair(
            subnet=["10.0.1.0/24", "fd00:1::/64"],
            addresses={"client:wifi": ["10.0.1.7", "10.0.1.8"], "server:wifi": "fd00:1::9"},
        )
    ).links["wifi"]
    client, server = link.ends
    assert [str(a) for a in client.addresses] == ["10.0.1.7/24", "10.0.1.8/24", "fd00:1::1/64"]
    assert [str(a) for a in server.addresses] == ["10.0.1.2/24", "fd00:1::9/64"]


def test_ends_can_be_swapped_by_written_addresses() -> None:
    swapped = {"client:wifi": "10.0.1.2", "server:wifi": "10.0.1.1"}
    link = topology(pair(addresses=swapped)).links["wifi"]
    assert [str(end.addresses[0].ip) for end in link.ends] == ["10.0.1.2", "10.0.1.1"]


def test_a_direction_has_its_own_keys_and_those_of_both() -> None:
    link = topology(
        pair(rate="10 Mbit/s", there={"delay": "5 ms", "jitter": "1 ms"}, back={"loss": "1 %"})
    ).links["wifi"]
    assert link.there == Direction(rate=10_000_000, delay=0.005, jitter=0.001)
    assert link.back == Direction(rate=10_000_000, loss=0.01)


def test_a_queue_of_both_directions_serves_the_rate_of_each() -> None:
    rates = {"there": {"rate": "10 Mbit/s"}, "back": {"rate": "40 Mbit/s"}}
    link = topology(pair(queue="200 packets", **rates)).links["wifi"]
    assert link.there == Direction(rate=10_000_000, queue=Queue(packets=200))
    assert link.back == Direction(rate=40_000_000, queue=Queue(packets=200))


def test_a_link_says_nothing_about_packets_unless_written() -> None:
    link = topology(pair()).links["wifi"]
    assert link.there == link.back == Direction()
    assert Direction() == Direction(rate=None, queue=None, delay=0.0, jitter=0.0, loss=0.0)


def test_a_node_knows_its_ends_and_addresses_in_the_order_of_the_links() -> None:
    whole = topology(two_links(subnet=["10.0.2.0/24", "fd00:2::/64"]))
    assert [(link is whole.links[end.interface], str(end)) for link, end in whole.ends_of("client")]
    assert [str(end) for _, end in whole.ends_of("client")] == ["client:wifi", "client:lte"]
    assert [link for link, _ in whole.ends_of("client")] == [*whole.links.values()]
    assert [str(a.ip) for a in whole.addresses_of("server")] == [
        "10.0.1.2",
        "10.0.2.2",
        "fd00:2::2",
    ]


def test_a_link_knows_its_end_at_a_node_and_the_other() -> None:
    link = topology(pair()).link("wifi")
    assert link.end_at("server") == link.ends[1]
    assert link.other(link.ends[0]) == link.ends[1]
    assert link.other(link.ends[1]) == link.ends[0]


def test_hosts_have_aliases_and_a_path_manager() -> None:
    data = pair()
    data["hosts"]["server"] = {"aliases": ["www", "a.example"], "path_manager": "userspace"}
    data["routers"] = {"gw": {}}
    whole = topology(data)
    assert whole.hosts["server"].aliases == ("www", "a.example")
    assert whole.hosts["server"].path_manager == "userspace"
    assert whole.hosts["client"].path_manager is None
    assert whole.nodes == ("client", "server", "gw")


def test_values_are_frozen() -> None:
    whole = topology(pair())
    with pytest.raises(ValueError, match="frozen"):
        whole.name = "other"
    with pytest.raises(ValueError, match="frozen"):
        whole.links["wifi"].rate = 1


def test_unknown_names_are_answered_with_the_nearest() -> None:
    whole = topology(pair())
    with pytest.raises(
        UsageError, match=r"no node 'sever' \(did you mean 'server'\? known: client"
    ):
        whole.ends_of("sever")
    with pytest.raises(UsageError, match=r"no link 'wify' \(did you mean 'wifi'\?"):
        whole.link("wify")
    with pytest.raises(UsageError, match=r"client:wifi and server:wifi has no end at 'gw'"):
        whole.link("wifi").end_at("gw")
