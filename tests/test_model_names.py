"""Names of hosts, interfaces and links, and the ends that refer to them."""

from __future__ import annotations

import pytest
from model_data import LTE, WIFI, pair, topology, two_links, wrong

from lab.model import problems


@pytest.mark.parametrize(
    "name", ["a", "3com", "a-b", "A.b.c", "x" * 63, "5g", ".".join(["x" * 61] * 4), "0xg", "1.x"]
)
def test_host_names(name: str) -> None:
    data = pair()
    data["routers"] = {name: {}}
    data["hosts"]["client"] = {"aliases": ["also." + name] if len(name) < 240 else [name + "z"]}
    assert wrong(data) == {}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cl_ient", "is not a host name"),
        ("-a", "is not a host name"),
        ("a-", "is not a host name"),
        ("a..b", "is not a host name"),
        ("a.", "is not a host name"),
        ("", "is not a host name"),
        ("a b", "is not a host name"),
        ("é", "is not a host name"),
        ("a\n", "is not a host name"),
        ("x" * 64, "is not a host name"),
        (".".join(["x" * 50] * 6), "is not a host name"),
        ("10", "read it as an address"),
        ("10.0.0.1", "read it as an address"),
        ("0x7f000001", "read it as an address"),
        ("localhost", "means the host that asks"),
        ("Localhost", "means the host that asks"),
        ("www.localhost", "means the host that asks"),
    ],
)
def test_what_is_not_a_host_name(name: str, message: str) -> None:
    data = pair()
    data["routers"] = {name: {}}
    assert message in wrong(data)["routers", name]
    data = pair()
    data["hosts"][name] = {}
    assert message in wrong(data)["hosts", name]
    data = pair()
    data["hosts"]["client"] = {"aliases": ["www", name]}
    assert message in wrong(data)["hosts", "client", "aliases", 1]


def test_a_host_name_leaves_room_in_the_name_of_its_capture() -> None:
    data = pair()
    data["routers"] = {".".join(["x" * 49] * 5) + "y": {}}
    assert wrong(data) == {}

    data["routers"] = {".".join(["x" * 49] * 5) + "yz": {}}
    assert "; 250 in all)" in str(wrong(data))


@pytest.mark.parametrize("alias", ["client", "SERVER", "Gw", "www", "WWW"])
def test_host_names_are_unique_in_any_case(alias: str) -> None:
    data = pair()
    data["routers"] = {"gw": {}}
    data["hosts"]["server"] = {"aliases": ["www", alias]}
    assert "is taken" in wrong(data)["hosts", "server", "aliases", 1]


def test_a_router_cannot_have_a_hosts_name() -> None:
    data = pair()
    data["routers"] = {"Client": {}}
    assert "'Client' is taken" in wrong(data)["routers", "Client"]


@pytest.mark.parametrize("interface", ["eth0", "5g", "a", "x" * 15, "eth0.1", "a_b-c"])
def test_interface_names(interface: str) -> None:
    topology(pair(ends=[f"client:{interface}", "server:wifi"]))


@pytest.mark.parametrize(
    ("interface", "message"),
    [
        ("x" * 16, "has 16 characters; the kernel takes at most 15"),
        ("a/b", "is not an interface name"),
        ("a b", "is not an interface name"),
        ("a:b", "is not an interface name"),
        ("a%d", "is not an interface name"),
        (".", "is not an interface name"),
        ("..", "is not an interface name"),
        ("-i", "is not an interface name"),
        ("1", "is not an interface name"),
        ("é", "is not an interface name"),
        ("lo", "has a meaning of its own"),
        ("all", "has a meaning of its own"),
        ("default", "has a meaning of its own"),
        ("any", "has a meaning of its own"),
        ("", "is not an end of a link"),
    ],
)
def test_what_is_not_an_interface_name(interface: str, message: str) -> None:
    found = wrong(pair(ends=[f"client:{interface}", "server:wifi"]))
    assert list(found) == [(*WIFI, "ends", 0)]
    assert message in found[(*WIFI, "ends", 0)]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "-a", "a-", "x" * 64, "é"])
def test_links_and_topologies_have_names_that_can_be_those_of_files(name: str) -> None:
    data = pair()
    data["name"] = name
    data["links"][name] = data["links"].pop("wifi")
    assert {path for path, text in wrong(data).items() if "is not a name" in text} == {
        ("name",),
        ("links", name),
    }


def test_an_end_is_at_a_node_of_the_topology() -> None:
    found = wrong(pair(ends=["client:wifi", "sever:wifi"]))
    hint = "(did you mean 'server'? known: client, server)"
    assert found == {(*WIFI, "ends", 1): f"unknown node 'sever' {hint}"}


def test_an_unknown_node_is_seen_beside_a_bad_interface() -> None:
    messages = {problem.message for problem in problems(pair(ends=["gw:lo", "server:wifi"]))}
    assert any("unknown node 'gw'" in message for message in messages)
    assert any("'lo' has a meaning" in message for message in messages)


def test_an_interface_is_the_end_of_one_link() -> None:
    found = wrong(two_links(ends=["client:wifi", "server:lte"]))
    assert found == {(*LTE, "ends", 0): "'client:wifi' is an end of link 'wifi' already"}


def test_a_link_does_not_lead_to_where_it_comes_from() -> None:
    found = wrong(pair(ends=["client:a", "client:b"]))
    assert found == {(*WIFI, "ends", 1): "the link leads from 'client' to itself"}


@pytest.mark.parametrize(
    "ends", [[], ["client:a"], ["client:a", "server:b", "client:c"], "x", None, {}]
)
def test_a_link_has_two_ends(ends: object) -> None:
    data = pair()
    data["links"]["wifi"]["ends"] = ends
    assert "two ends belong" in wrong(data)[(*WIFI, "ends")]


@pytest.mark.parametrize("hosts", [["client", "server"], "client", None])
def test_nodes_are_not_called_unknown_when_they_could_not_be_read(hosts: object) -> None:
    data = pair()
    data["hosts"] = hosts
    assert list(wrong(data)) == [("hosts",)]


def test_nodes_in_a_misspelled_section_are_not_called_unknown() -> None:
    data = pair(ends=["client:wifi", "gw:wifi"])
    data["router"] = {"gw": {}}
    assert list(wrong(data)) == [("router",)]
