"""Keys and kinds of values, and data of any other kind."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_data import WIFI, Data, pair, two_links, wrong

from lab.model import KeyPath, Topology, problems


@pytest.mark.parametrize(
    ("path", "key", "message"),
    [
        (
            (),
            "host",
            "(did you mean 'hosts'? known: hosts, links, name, routers, switches, topology)",
        ),
        (
            ("hosts", "client"),
            "alias",
            "(did you mean 'aliases'? known: aliases, allow_join_initial_addr_port,",
        ),
        (("routers", "gw"), "delay", "(known: firewall, idle_timeout, nat)"),
        (WIFI, "los", "(did you mean 'loss'? known: addresses, back, corrupt,"),
        (
            (*WIFI, "there"),
            "ends",
            "(known: corrupt, delay, distribution, duplicate, jitter, loss,",
        ),
    ],
)
def test_unknown_keys(path: KeyPath, key: str, message: str) -> None:
    data = pair(there={})
    data["routers"] = {"gw": {}}
    place: Any = data
    for step in path:
        place = place[step]
    place[key] = {}
    found = wrong(data)
    assert list(found) == [(*path, key)]
    assert found[(*path, key)].startswith(f"unknown key {key!r} ")
    assert message in found[(*path, key)]


@pytest.mark.parametrize("key", ["topology", "name", "hosts", "links"])
def test_required_keys_of_a_topology(key: str) -> None:
    data = pair()
    del data[key]
    assert f"a topology needs the key {key!r}" in {p.message for p in problems(data)}


@pytest.mark.parametrize("key", ["ends", "subnet"])
def test_required_keys_of_a_link(key: str) -> None:
    assert wrong(pair(**{key: None})) == {WIFI: f"'wifi' needs the key {key!r}"}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("hosts",), ["client"], "'hosts' is a mapping (key: value), not a list"),
        (("hosts",), None, "'hosts' has no value; a mapping without keys is written {}"),
        (("hosts", "client"), "x", "'client' is a mapping (key: value), not 'x'"),
        (("routers",), "gw", "'routers' is a mapping (key: value), not 'gw'"),
        (("links",), [], "'links' is a mapping (key: value), not a list"),
        (WIFI, None, "'wifi' has no value; a mapping without keys is written {}"),
        ((*WIFI, "there"), ["x"], "'there' is a mapping (key: value), not a list"),
        ((*WIFI, "addresses"), "10.0.1.1", "'addresses' is a mapping (key: value), not '10.0.1.1'"),
        ((*WIFI, "subnet"), [], "a list where one or more values belong: [first, second, …]"),
        ((*WIFI, "subnet"), {}, "a mapping where one or more values belong: [first, second, …]"),
        (("topology",), "2", "format '2' is unknown; this version reads 1"),
        (("topology",), "01", "format '01' is unknown; this version reads 1"),
        (("name",), [], "a list where a value such as two_paths belongs"),
    ],
)
def test_kinds_of_values(path: KeyPath, value: object, message: str) -> None:
    data = pair()
    place: Any = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert wrong(data)[path] == message


def test_path_managers_are_named() -> None:
    data = pair()
    data["hosts"]["client"] = {"path_manager": "userspce"}
    hint = "(did you mean 'userspace'? known: kernel, userspace)"
    assert wrong(data) == {
        ("hosts", "client", "path_manager"): f"unknown path manager 'userspce' {hint}"
    }


def test_a_topology_has_a_host() -> None:
    data = pair()
    data["hosts"], data["links"] = {}, {}
    assert wrong(data) == {("hosts",): "a topology needs at least one host"}


@pytest.mark.parametrize("data", [None, [], "x", ["topology"]])
def test_a_topology_is_a_mapping(data: object) -> None:
    assert wrong(data)[()].startswith("a topology is a mapping (key: value), not ")


def test_long_lists_of_known_names_are_cut() -> None:
    data = pair(ends=["client:wifi", "h51x:wifi"])
    data["hosts"] |= {f"h{i}": {} for i in range(100)}
    (message,) = wrong(data).values()
    assert "did you mean 'h51'?" in message
    assert re.search(r"known: (\w+, ){20}…\)$", message)


WORDS = [
    *("topology", "name", "hosts", "routers", "links", "ends", "subnet", "addresses", "rate"),
    *("duplicate", "reorder", "corrupt", "distribution", "normal", "mtu", "enter", "leave", "bad"),
    *("1400 B", "1279 B", "0 %"),
    *("queue", "delay", "jitter", "loss", "there", "back", "aliases", "path_manager", "userspace"),
    *("client", "server", "gw", "wifi", "lte", "client:wifi", "server:wifi", "gw:lte", "1", ""),
    *("10.0.1.0/24", "10.0.1.0/31", "fd00:1::/64", "10.0.1.1", "10.0.1.2", "fd00:1::1"),
    *("middlebox", "strip", "split", "option", "subtype", "DSS", "from", "syn", "at", "30", "9 B"),
    *("5 ms", "10 Mbit/s", "9 packets", "1 %", "x" * 100, "[key]"),
    *("switches", "lan", "lan:p1", "client:lan", "nat", "firewall", "action", "drop", "from", "to"),
]
BOXES: list[Data] = [{"strip": {"option": "30", "from": "syn"}}, {"split": {"at": "9 B"}}]
ANYTHING = st.recursive(
    st.none() | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=8,
)


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every container in ``data`` with each of its keys or indices."""
    if isinstance(data, str | None):
        return []
    keys = list(data) if isinstance(data, dict) else range(len(data))
    return [(data, key) for key in keys] + [place for key in keys for place in places(data[key])]


@st.composite
def spoiled(draw: st.DrawFn) -> Data:
    """A good topology with a few values replaced, added or removed."""
    data = deepcopy(two_links(rate="10 Mbit/s", queue="9 packets", there={"delay": "5 ms"}))
    data["switches"] = {"lan": {"subnet": ["10.0.3.0/29", "fd00:3::/64"]}}
    data["routers"] = {"gw": {"nat": ["up"], "firewall": [{"action": "drop", "from": "up"}]}}
    data["links"]["lan"] = {"ends": ["client:lan", "lan:p1"], "middlebox": deepcopy(BOXES)}
    data["links"]["up"] = {"ends": ["gw:up", "lan:p2"]}
    for _ in range(draw(st.integers(0, 4))):
        container, key = draw(st.sampled_from(places(data)))
        if isinstance(container, dict) and draw(st.booleans()):
            key = draw(st.sampled_from(WORDS))
        container[key] = draw(ANYTHING)
    return data


def exists(data: Any, path: KeyPath) -> bool:
    """Whether a path leads to a value."""
    for key in path:
        if key not in (data if isinstance(data, dict) else range(len(data))):
            return False
        data = data[key]
    return True


@given(spoiled() | ANYTHING)
@settings(deadline=None, max_examples=500)
def test_data_has_problems_that_can_be_placed_or_makes_a_topology(data: Any) -> None:
    found = list(problems(data))
    for problem in found:
        assert exists(data, problem.path[:-1])
        assert "Input" not in problem.message
    if not found:
        whole = Topology.model_validate(data)
        addresses = [a.ip for node in whole.nodes for a in whole.addresses_of(node)]
        assert len(set(addresses)) == len(addresses)
