"""Requests to rtnetlink, read back by pyroute2, which knows all of it and shares none."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from lab.rtnetlink import requests
from lab.rtnetlink.channel import Answer, Request, attribute, attributes
from lab.rtnetlink.requests import NewEnd


def decoded(request: Request, reader: Any) -> Any:
    """What pyroute2 reads in a request."""
    header = (16 + len(request.body)).to_bytes(4, "little") + bytes(12)
    message = reader(header + request.body)
    message.decode()
    return message


def test_a_pair_of_interfaces() -> None:
    pair = requests.veth(NewEnd("wifi", 7, 1000), NewEnd("up", 8, 1001))
    message = decoded(pair, ifinfmsg)
    assert (message["index"], message["flags"] & 1, message["change"]) == (1000, 1, 1)
    assert message.get("ifname") == "wifi"
    assert message.get("net_ns_fd") == 7
    assert message.get("gso_max_segs") == 1
    assert message.get(("linkinfo", "kind")) == "veth"
    peer = message.get(("linkinfo", "data")).get("VETH_INFO_PEER")
    assert (peer["index"], peer["flags"]) == (1001, 0)
    assert (peer.get("ifname"), peer.get("net_ns_fd")) == ("up", 8)
    assert pair.flags == 0x600, "NLM_F_CREATE | NLM_F_EXCL"


def test_a_bridge_and_its_port() -> None:
    message = decoded(requests.bridge("_bridge"), ifinfmsg)
    assert (message.get("ifname"), message.get(("linkinfo", "kind"))) == ("_bridge", "bridge")
    assert message.get(("linkinfo", "data")).get("br_mcast_snooping") == 0
    port = decoded(requests.enslave(5, 9), ifinfmsg)
    assert (port["index"], port.get("master")) == (5, 9)


@pytest.mark.parametrize("up", [True, False])
def test_up_and_down(up: bool) -> None:
    message = decoded(requests.set_up("lte", up), ifinfmsg)
    assert (message.get("ifname"), message["flags"], message["change"]) == ("lte", int(up), 1)


@pytest.mark.parametrize(("text", "family"), [("10.0.1.7/24", 2), ("fd00:1::7/64", 10)])
def test_an_address(text: str, family: int) -> None:
    message = decoded(requests.address(4, ip_interface(text)), ifaddrmsg)
    ip, length = text.split("/")
    assert (message["family"], message["index"], message["prefixlen"]) == (family, 4, int(length))
    assert message.get("local") == message.get("address") == ip
    assert (message.get("flags") or 0) == (2 if family == 10 else 0), "IFA_F_NODAD"


@pytest.mark.parametrize(("text", "family"), [("10.0.1.7", 2), ("fd00:1::7", 10)])
def test_a_rule(text: str, family: int) -> None:
    message = decoded(requests.rule(ip_address(text), 1003, 1000), fibmsg)
    assert (message["family"], message["src_len"], message["action"]) == (
        family, 32 if family == 2 else 128, 1,
    )  # fmt: skip
    assert (message.get("src"), message.get("table")) == (text, 1003)
    assert message.get("priority") == 1000


def test_a_route_by_a_gateway() -> None:
    request = requests.route(
        ip_network("0.0.0.0/0"), 1001, index=4, gateway=ip_address("10.0.1.2"), replace=True
    )
    message = decoded(request, rtmsg)
    assert (message["dst_len"], message["type"], message["scope"]) == (0, 1, 0)
    assert (message.get("oif"), message.get("gateway")) == (4, "10.0.1.2")
    assert message.get("table") == 1001
    assert request.flags == 0x500, "NLM_F_CREATE | NLM_F_REPLACE"


def test_a_route_on_a_link() -> None:
    message = decoded(requests.route(ip_network("10.0.1.0/24"), 1001, index=4, on_link=True), rtmsg)
    assert (message["scope"], message.get("dst"), message["dst_len"]) == (253, "10.0.1.0", 24)
    assert message.get("gateway") is None


def test_the_end_of_a_table() -> None:
    message = decoded(requests.route(ip_network("::/0"), 1001), rtmsg)
    assert (message["family"], message["type"]) == (10, 7), "RTN_UNREACHABLE"
    assert message.get("priority") == 0x7FFFFFFF
    assert message.get("oif") is None


def state(*extra: bytes, oper: int = 6, flags: int = 1) -> requests.LinkState:
    """What an answer with these attributes says."""
    head = bytes(4) + (12).to_bytes(4, "little") + flags.to_bytes(4, "little") + bytes(4)
    always = attribute(3, "lte") + attribute(16, bytes([oper])) + attribute(33, b"\1")
    return requests.link_state(Answer(16, head + always + b"".join(extra)))


def port(number: int) -> bytes:
    """That an interface is a port of a bridge, in this state."""
    return attribute(18, attribute(5, attribute(1, bytes([number]))))


def test_what_passes_packets() -> None:
    assert state() == requests.LinkState(12, "lte", up=True, passes=True)
    assert not state(oper=2).passes
    assert not state(flags=0).up
    assert state(port(3)).passes
    assert not state(port(2)).passes, "a port that learns"
    assert state(attribute(18, attribute(1, "tun")), oper=0).passes, "a tap never says more"
    assert not state(attribute(18, attribute(1, "veth")), oper=0).passes


@pytest.mark.parametrize("value", [b"", b"1", b"12345", 7, "name"])
def test_attributes_are_read_as_they_were_written(value: bytes | int | str) -> None:
    written = attribute(3, value) + attribute(5, b"end")
    found = attributes(written)
    assert len(written) % 4 == 0
    assert found[5] == b"end"
    assert found[3] == (value if isinstance(value, bytes) else attributes(attribute(3, value))[3])
