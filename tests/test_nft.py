"""The commands for nft that follow from a router's keys."""

from __future__ import annotations

from typing import Any

import pytest

from lab import nft
from lab.model import Router


def filtering(**rule: Any) -> str:
    """The conditions and the verdict of one rule."""
    router = Router.model_validate({"firewall": [{"action": "drop", **rule}]})
    *_, line = nft.ruleset(router).splitlines()
    return line.removeprefix("add rule inet firewall forward ")


def test_a_plain_router_has_no_rules() -> None:
    assert nft.ruleset(Router()) == ""


def test_nat_is_of_ipv4_at_its_interfaces() -> None:
    rules = nft.ruleset(Router.model_validate({"nat": ["wan", "lte"]}))
    assert 'add rule ip nat out oifname "wan" masquerade\n' in rules
    assert 'add rule ip nat out oifname "lte" masquerade\n' in rules
    assert "firewall" not in rules


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ({}, "counter drop"),
        ({"from": "wan", "to": "lan"}, 'iifname "wan" oifname "lan" counter drop'),
        ({"packets": "new"}, "ct state != { established, related } counter drop"),
        ({"packets": "syn"}, "tcp flags & (syn | ack) == syn counter drop"),
        ({"port": ["80", "5000-5999"]}, "tcp dport { 80, 5000-5999 } counter drop"),
        ({"option": "30"}, "tcp option 30 exists counter drop"),
        ({"mptcp": "MP_JOIN"}, "tcp option @30,16,4 1 counter drop"),
        ({"action": "reset"}, "meta l4proto tcp counter reject with tcp reset"),
        ({"action": "unreachable"}, "counter reject with icmpx type admin-prohibited"),
    ],
)
def test_a_rule(rule: dict[str, Any], line: str) -> None:
    assert filtering(**rule) == line
