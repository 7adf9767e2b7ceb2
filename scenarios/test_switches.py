"""Switches join links to one network, and what is slow there is slow for all."""

import socket
from itertools import permutations

import pytest

from lab.build import Network
from lab.load import loads

JOINED = """
topology: 1
name: joined
hosts: {a: {}, b: {}, c: {}}
switches: {left: {subnet: [10.0.5.0/24, fd00:5::/64]}, right: {}}
links:
  a:      {ends: [a:eth0, left:a]}
  middle: {ends: [left:right, right:left], rate: 100 Mbit/s}
  b:      {ends: [right:b, b:eth0]}
  c:      {ends: [c:eth0, right:c]}
"""

IP_RECVTTL = 12
"""<linux/in.h>; Python has no name for it."""

TTL = 12
"""of IPv4 and hops of IPv6, when it is set: a router would take one off"""


def test_hosts_of_joined_switches_are_in_one_network():
    """Three hosts at two switches reach each other, and no router lies between."""
    topology = loads(JOINED, "joined.yaml")
    with Network(topology) as network:
        for one, other in permutations(topology.hosts, 2):
            for address in topology.addresses_of(other):
                assert hops_left(network.node(one), network.node(other), address) == TTL


def hops_left(sender, receiver, address):
    """What a datagram to an address of the receiver still has of its hops."""
    family, level, limit, wanted, kind = {
        4: (socket.AF_INET, socket.IPPROTO_IP, socket.IP_TTL, IP_RECVTTL, socket.IP_TTL),
        6: (socket.AF_INET6, socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS,
            socket.IPV6_RECVHOPLIMIT, socket.IPV6_HOPLIMIT),
    }[address.version]  # fmt: skip
    with (
        receiver.msocket(family, socket.SOCK_DGRAM) as at,
        sender.msocket(family, socket.SOCK_DGRAM) as out,
    ):
        at.settimeout(10)
        at.setsockopt(level, wanted, 1)
        at.bind((str(address.ip), 0))
        out.setsockopt(level, limit, TTL)
        out.sendto(b"x", at.getsockname())
        _, [(_, said, value)], _, _ = at.recvmsg(1, 100)
    assert said == kind
    return int.from_bytes(value, "little")


@pytest.mark.topology("shared_bottleneck")
def test_two_subflows_share_a_bottleneck(flow, capture, topology):
    """By two paths that meet at a switch no more arrives than the link behind it lets through."""
    flow.wait_delivered("100 kB")
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("2 MB")

    arrived = capture.at("server").arrived().after(capture.at("server").join().ack.time)
    amounts = [arrived.on(subflow).payload() for subflow in (flow.first, lte)]
    assert min(amounts) > 100_000
    rate = topology.link("shared").there.rate
    assert 8 * sum(amounts) / (arrived.end - arrived.start) < rate
