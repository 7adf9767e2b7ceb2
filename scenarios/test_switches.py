"""Switches join links to one network, and what is slow there is slow for all."""

import os
import signal
import socket
from itertools import permutations
from pathlib import Path

import pytest

from lab.build import Network
from lab.errors import InvalidRun, Unsupported
from lab.load import loads
from lab.vswitchd import Daemons

JOINED = """
topology: 1
name: joined
hosts: {a: {}, b: {}, c: {}}
switches: {left: {kind: KIND, subnet: [10.0.5.0/24, fd00:5::/64]}, right: {kind: KIND}}
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

DATA = b"x" * 100_000


@pytest.fixture(params=["bridge", "openvswitch"])
def kind(request):
    """What the switches are."""
    return request.param


@pytest.fixture
def topology_file(request, kind, tmp_path):
    """Two paths that meet at a switch of that kind."""
    text = (request.config.rootpath / "topologies/shared_bottleneck.yaml").read_text("utf-8")
    file = tmp_path / "shared_bottleneck.yaml"
    file.write_text(text.replace("exchange: {", f"exchange: {{kind: {kind}, "), encoding="utf-8")
    return file


def joined(kind):
    """The topology with two switches of a kind."""
    return loads(JOINED.replace("KIND", kind), "joined.yaml")


def test_hosts_of_joined_switches_are_in_one_network(kind):
    """Three hosts at two switches reach each other, and no router lies between."""
    topology = joined(kind)
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


def test_streams_pass_joined_switches(kind):
    """TCP has checksums that the kernel would leave to a card."""
    topology = joined(kind)
    with Network(topology) as network:
        for name in ("b", "c"):
            address = str(topology.addresses_of(name)[0].ip)
            assert received(network.node("a"), network.node(name), address) == DATA


def received(sender, receiver, address):
    """What comes of the data, by a TCP connection."""
    with receiver.msocket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((address, 0))
        listener.listen()
        with sender.msocket(socket.AF_INET, socket.SOCK_STREAM) as out:
            out.settimeout(10)
            out.connect(listener.getsockname())
            out.sendall(DATA)
            listener.settimeout(10)
            accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(10)
            return b"".join(iter(lambda: accepted.recv(65536), b""))


@pytest.mark.parametrize("program", ["ovs-vswitchd", "ovsdb-server"])
def test_an_open_vswitch_that_died_makes_the_run_invalid(program):
    """Also where nobody has waited for a packet, and when it was killed a moment ago."""
    with Network(joined("openvswitch")) as network:
        network.require_sound()
        os.kill(processes(program)[0], signal.SIGKILL)

        with pytest.raises(InvalidRun, match=f"switch '(left|right)': {program} ended with status"):
            network.require_sound()
    assert not processes(program)


def test_an_open_vswitch_that_is_stuck_makes_the_run_invalid(monkeypatch):
    """It passes nothing on, though its process is there."""
    with Network(joined("openvswitch")) as network:
        monkeypatch.setattr("lab.vswitchd.PATIENCE", 1)
        os.kill(processes("ovs-vswitchd")[0], signal.SIGSTOP)

        with pytest.raises(InvalidRun, match="ovs-vswitchd does not answer"):
            network.require_sound()
    assert not processes("ovs-vswitchd")


def test_an_open_vswitch_that_is_killed_while_it_gets_ports_is_no_reason_to_skip(monkeypatch):
    """What was killed says nothing of what this machine can do."""

    def killed(daemons, *command):
        if command[0] == "add-port":
            os.kill(processes("ovs-vswitchd")[0], signal.SIGKILL)
        tell(daemons, *command)

    tell = Daemons.tell
    monkeypatch.setattr("lab.openvswitch.Daemons.tell", killed)
    network = Network(joined("openvswitch"))
    try:
        with pytest.raises(InvalidRun, match=r"switch 'left': .*ovs-vswitchd ended with status -9"):
            network.build()
    finally:
        network.stop()
    assert not processes("ovs-vswitchd")


def processes(program):
    """The programs of that name in the sandbox, by their numbers."""
    return [
        int(each.parent.name) for each in Path("/proc").glob("[0-9]*/cmdline")
        if each.read_bytes().split(b"\0")[0] == program.encode()
    ]  # fmt: skip


def test_a_missing_open_vswitch_is_a_reason(monkeypatch):
    """It says what to install; a bridge needs nothing of that."""
    with Network(joined("bridge")):
        pass
    monkeypatch.setattr("lab.vswitchd.PROGRAMS", ("ovs-vswitchd-of-nobody",))
    network = Network(joined("openvswitch"))
    with pytest.raises(Unsupported, match=r"'left': ovs-vswitchd-of-nobody not found: .*apt-get"):
        network.build()
    network.stop()
