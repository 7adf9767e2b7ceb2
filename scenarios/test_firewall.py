"""What a router's firewall refuses, and how the refused learn of it."""

import errno
import socket

import pytest

import mptcpapi
from lab.wire.mptcp import MpCapable, MpJoin

pytestmark = pytest.mark.topology("firewall")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])

SERVER = {"ipv4": "10.0.9.2", "ipv6": "fd00:9::2"}
CLIENT = {"ipv4": "10.0.1.1", "ipv6": "fd00:1::1"}
FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


@both_families
def test_a_join_is_refused_and_the_connection_lives(flow, capture):
    """On one path the firewall answers MP_JOIN with RST; data goes on, on the other."""
    flow.wait_delivered("100 kB")

    with pytest.raises(mptcpapi.SubflowRefused) as refused:
        flow.open_subflow("lte")
    flow.wait_delivered_more("200 kB")

    assert refused.value.errno == errno.ECONNREFUSED
    at_client, at_server = capture.at("client"), capture.at("server")
    syn, _ = at_client.sent().only(MpJoin)
    assert any(s.rst and s.destination == syn.source for s in at_client.arrived())
    assert not at_server.all(MpJoin)
    assert at_server.arrived().on(flow.first).after(syn.time).payload() > 100_000


@both_families
def test_ports_are_refused(client, server, capture, family):
    """A port in the list or in a range of it is answered with RST, and others are let through."""
    outcome = {}
    for port in (7000, 7001, 7099, 7100, 7150, 7199, 7200):
        with server.stack():
            listener = socket.create_server((SERVER[family], port), family=FAMILIES[family])
        with listener, client.msocket(FAMILIES[family], socket.SOCK_STREAM) as sock:
            sock.settimeout(10)
            outcome[port] = sock.connect_ex((SERVER[family], port)) == 0

    assert [port for port, let_through in outcome.items() if let_through] == [7000, 7099, 7200]
    reached = {s.destination.port for s in capture.at("server").arrived() if s.syn}
    assert reached == {7000, 7099, 7200}


@both_families
def test_nothing_begins_from_the_other_side(client, server, capture, family):
    """A connection from the server gets an ICMP error; the client's own has its answers."""
    with client.stack():
        inside = socket.create_server((CLIENT[family], 5001), family=FAMILIES[family])
    with inside, server.msocket(FAMILIES[family], socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        refused = sock.connect_ex((CLIENT[family], 5001))
    with server.stack():
        listener = socket.create_server((SERVER[family], 5001), family=FAMILIES[family])
    with listener, client.stack():
        later = socket.create_connection((SERVER[family], 5001), 10)
    later.close()

    assert refused == {"ipv4": errno.EHOSTUNREACH, "ipv6": errno.EACCES}[family]
    syns = {s.destination.host for s in capture.at("client") if s.syn and not s.ack}
    assert syns == {SERVER[family]}


def test_where_no_mptcp_begins_tcp_does(client, server, capture):
    """SYNs with MP_CAPABLE vanish; without it one passes, and the connection is a TCP one."""
    with server.stack():
        listener = mptcpapi.create_server((SERVER["ipv4"], 5001))
    with listener:
        with client.stack():
            sock = mptcpapi.create_connection(
                listener.getsockname(), 60, ("10.0.3.1", 0), fallback=True
            )
        with sock, listener.accept()[0] as accepted:
            sock.sendall(b"x")
            assert accepted.recv(1) == b"x"
            assert not sock.in_use()

    assert capture.at("client").sent().all(MpCapable)
    arrived = capture.at("server").arrived()
    assert not arrived.all(MpCapable)
    assert arrived.payload() == 1
