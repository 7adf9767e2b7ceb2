"""What rulesets of nftables do to the packets that open a subflow."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from lab.doctor import firewall
from lab.doctor.packet import Packet
from lab.doctor.rules import Ruleset

CHAIN = {"family": "inet", "table": "fw", "name": "way", "handle": 1, "type": "filter",
         "hook": "forward", "prio": 0, "policy": "accept"}  # fmt: skip
DROP: dict[str, Any] = {"drop": None}
ACCEPT: dict[str, Any] = {"accept": None}
SYN = Packet(
    ip_address("10.0.2.1"), ip_address("10.0.9.2"), port=5001, arriving="lte", leaving="core"
)
ANSWER = Packet(
    SYN.destination, SYN.source, answer=True, port=5001, arriving="core", leaving="lte"
)  # fmt: skip
SYN6 = Packet(ip_address("fd00:2::1"), ip_address("fd00:9::2"), arriving="lte", leaving="core")


def field(protocol: str, name: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": name}}


def meta(key: str) -> dict[str, Any]:
    return {"meta": {"key": key}}


def match(left: object, right: object, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


OPTION = {"tcp option": {"name": "mptcp"}}
SUBTYPE = {"tcp option": {"name": "mptcp", "field": "subtype"}}
FLAGS = field("tcp", "flags")


def ruleset(*rules: list[dict[str, Any]], other: Any = (), **chain: Any) -> Ruleset:
    """A chain with these rules, and a second chain of no hook with others."""
    second = {"family": "inet", "table": "fw", "name": "second", "handle": 2}
    objects: list[Any] = [{"metainfo": {}}, {"chain": {**CHAIN, **chain}}, {"chain": second}]
    for name, expressions in (("way", rules), ("second", other)):
        objects += [
            {"rule": {"family": chain.get("family", "inet"), "table": "fw", "chain": name,
                      "handle": 10 + i, "expr": each}}
            for i, each in enumerate(expressions)
        ]  # fmt: skip
    return Ruleset({"nftables": objects})


def harms(rules: Ruleset, packet: Packet = SYN) -> list[tuple[str, bool]]:
    return [(harm.does, harm.certain) for harm in rules.harms(packet)]


@pytest.mark.parametrize(
    "condition",
    [
        match(OPTION, True),
        match(SUBTYPE, 1),
        match(field("ip", "saddr"), "10.0.2.1"),
        match(field("ip", "saddr"), {"prefix": {"addr": "10.0.2.0", "len": 24}}),
        match(field("ip", "daddr"), {"set": ["10.0.1.1", "10.0.9.2"]}),
        match(field("ip", "daddr"), {"range": ["10.0.9.1", "10.0.9.9"]}),
        match(field("ip", "daddr"), "10.0.9.3", "!="),
        match(field("ip", "protocol"), "tcp"),
        match(field("tcp", "dport"), 5001),
        match(field("tcp", "dport"), {"set": [80, {"range": [5000, 5002]}]}),
        match(FLAGS, "syn", "in"),
        match({"&": [FLAGS, ["syn", "ack"]]}, "syn"),
        match({"ct": {"key": "state"}}, ["invalid", "new"], "in"),
        match({"ct": {"key": "state"}}, {"set": ["established", "related"]}, "!="),
        match(meta("iifname"), "lte"),
        match(meta("iifname"), "l*"),
        match(meta("oif"), "core"),
        match(meta("l4proto"), "tcp"),
        match(meta("nfproto"), "ipv4"),
        {"counter": {"packets": 0, "bytes": 0}},
    ],
)
def test_conditions_that_hold(condition: dict[str, Any]) -> None:
    assert harms(ruleset([condition, DROP])) == [("drops", True)]


@pytest.mark.parametrize(
    "condition",
    [
        match(SUBTYPE, 0),
        match(field("ip", "saddr"), "10.0.1.1"),
        match(field("ip", "saddr"), {"prefix": {"addr": "10.0.1.0", "len": 24}}),
        match(field("ip", "daddr"), {"range": ["10.0.9.3", "10.0.9.9"]}),
        match(field("ip6", "saddr"), {"prefix": {"addr": "fd00:2::", "len": 64}}),
        match(field("tcp", "dport"), 5001, "!="),
        match(field("ip", "protocol"), "udp"),
        match({"&": [FLAGS, ["syn", "ack"]]}, ["syn", "ack"]),
        match({"ct": {"key": "state"}}, "invalid", "in"),
        match({"ct": {"key": "state"}}, {"set": ["new", "untracked"]}, "!="),
        match(meta("iifname"), "wifi"),
        match(meta("nfproto"), "ipv6"),
    ],
)
def test_conditions_that_do_not_hold(condition: dict[str, Any]) -> None:
    assert harms(ruleset([condition, DROP])) == []


@pytest.mark.parametrize(
    "condition",
    [
        match(meta("mark"), 7),
        match(field("tcp", "sport"), 5001),
        match(field("ip", "saddr"), "@blocked"),
        match(field("tcp", "dport"), 1024, ">"),
        match({"tcp option": {"name": "maxseg", "field": "size"}}, 536),
        {"limit": {"rate": 5, "per": "second"}},
    ],
)
def test_conditions_that_are_not_known(condition: dict[str, Any]) -> None:
    assert harms(ruleset([condition, DROP])) == [("drops", False)]


def test_the_answer_is_another_packet() -> None:
    established = match({"ct": {"key": "state"}}, "established", "in")
    sport = match(field("tcp", "sport"), 5001)
    rules = ruleset([established, sport, DROP])

    assert harms(rules, SYN) == []
    assert harms(rules, ANSWER) == [("drops", True)]


def test_families_and_hooks() -> None:
    assert harms(ruleset([DROP], family="ip6")) == []
    assert harms(ruleset([DROP], family="ip6"), SYN6) == [("drops", True)]
    assert harms(ruleset([DROP], family="bridge")) == []
    assert harms(ruleset([DROP], hook="input")) == []
    assert harms(ruleset([DROP], hook="output")) == []
    own = Packet(SYN.source, SYN.destination, leaving="lte")
    assert harms(ruleset([DROP], hook="output"), own) == [("drops", True)]


def test_policies() -> None:
    tcp = match(meta("l4proto"), "tcp")
    unknown = match(meta("mark"), 7)
    assert harms(ruleset(policy="drop")) == [("drops", True)]
    assert harms(ruleset([tcp, ACCEPT], policy="drop")) == []
    assert harms(ruleset([unknown, ACCEPT], policy="drop")) == [("drops", False)]


def test_the_first_verdict_counts() -> None:
    assert harms(ruleset([ACCEPT], [DROP])) == []
    assert harms(ruleset([DROP], [DROP])) == [("drops", True)]


def test_options_are_stripped() -> None:
    strip = {"reset": {"tcp option": {"name": "mptcp"}}}
    other = {"reset": {"tcp option": {"name": "sack-permitted"}}}
    target = {"xt": {"type": "target", "name": "TCPOPTSTRIP"}}
    stripped = "strips the MPTCP options of"
    assert harms(ruleset([strip], [target], [other])) == [(stripped, True), (stripped, True)]


def test_jumps_and_returns() -> None:
    jump: dict[str, Any] = {"jump": {"target": "second"}}
    leave: dict[str, Any] = {"return": None}
    unknown = match(meta("mark"), 7)
    assert harms(ruleset([jump], other=[[DROP]])) == [("drops", True)]
    assert harms(ruleset([jump], [DROP], other=[[ACCEPT]])) == []
    assert harms(ruleset([jump], [DROP], other=[[leave], [ACCEPT]])) == [("drops", True)]
    assert harms(ruleset([jump], other=[[unknown, leave], [DROP]])) == [("drops", False)]
    assert harms(ruleset([unknown, jump], other=[[DROP]])) == [("drops", False)]


def test_chains_that_jump_to_each_other_end() -> None:
    jump: dict[str, Any] = {"jump": {"target": "second"}}
    assert harms(ruleset([jump], other=[[jump], [DROP]])) == [("drops", True)]


def test_tables_of_iptables_legacy_are_a_remark(monkeypatch: Any, tmp_path: Path) -> None:
    """What nft does not show is not passed over in silence."""
    names, none = tmp_path / "names", tmp_path / "none"
    names.write_text("filter\nmangle\n")
    none.touch()
    monkeypatch.setattr(firewall, "_LEGACY", {str(names): "seen", str(none): "empty"})

    (remark,) = firewall.of_legacy("gw")
    assert "filter, mangle" in remark.what
    assert (remark.host, remark.commands, remark.stops) == ("gw", (("seen",),), False)
