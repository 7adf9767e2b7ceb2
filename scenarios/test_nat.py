"""A home behind one address: what its router rewrites, and what it keeps out."""

import errno
import socket
import time
from contextlib import contextmanager

import pytest

import mptcpapi
from lab.build import Network
from lab.load import loads

pytestmark = pytest.mark.topology("behind_nat")

HOME, LTE, ROUTER, SERVER = "192.168.1.2", "10.0.2.1", "10.0.1.1", "10.0.9.2"
HOME6, LTE6, SERVER6 = "fd00:1::2", "fd00:2::1", "fd00:9::2"

DEADLINE = 20.0


@contextmanager
def connected(client, server, source, target):
    """A connection from one address of the client, on which data went both ways."""
    with server.stack():
        mptcpapi.set_limits(subflows=2, add_addr_accepted=2)
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        listener = mptcpapi.create_server((target, 5001), family=family)
    with listener:
        with client.stack():
            sock = mptcpapi.create_connection((target, 5001), source_address=(source, 0))
        with sock, listener.accept()[0] as accepted:
            exchange(sock, accepted)
            yield sock, accepted


def exchange(sock, accepted):
    """Send a byte each way."""
    for sender, receiver in ((sock, accepted), (accepted, sock)):
        receiver.settimeout(DEADLINE)
        sender.sendall(b"x")
        assert receiver.recv(1) == b"x"


def test_the_source_is_rewritten(flow, capture):
    """What leaves the client as its own comes to the server from the router, and answers return."""
    flow.wait_delivered("200 kB")

    sent, arrived = capture.at("client").sent(), capture.at("server").arrived()
    assert {segment.source.host for segment in sent} == {HOME}
    assert {segment.source.host for segment in arrived} == {ROUTER}
    assert sent.connection().initiator_token == arrived.connection().initiator_token is not None


def test_a_subflow_joins_through_nat(client, server, capture):
    """Its address id and its HMACs pass, and by them the server knows it (RFC 8684, 3.2)."""
    with connected(client, server, LTE, SERVER) as (sock, accepted):
        home = sock.open_subflow(HOME)
        exchange(sock, accepted)
        seen = capture.until("server", lambda seen: seen.joins() and seen.join().ack)

        _, second = accepted.subflow_details()
        assert second.remote.host == ROUTER
        assert second.remote_id == home.local_id != 0
    join, at_home = seen.join(), capture.at("client").join()
    assert (at_home.initiator.host, join.initiator.host) == (HOME, ROUTER)
    assert at_home.initiator_address_id == join.initiator_address_id == home.local_id
    join.verify(seen.connection())


@pytest.mark.parametrize(
    ("private", "source", "target"),
    [(HOME, LTE, SERVER), (HOME6, LTE6, SERVER6)],
    ids=["nat", "firewall"],
)
def test_nobody_joins_from_outside(client, server, capture, private, source, target):
    """The server tries to join to the announced address at home, and does not get there."""
    with connected(client, server, source, target) as (sock, accepted):
        sock.announce(private)
        tried = capture.until(
            "server", lambda seen: any(s.destination.host == private for s in seen.sent())
        )
        exchange(sock, accepted)
        home = sock.open_subflow(private)
        exchange(sock, accepted)

    assert {s.syn for s in tried.sent() if s.destination.host == private} == {True}
    seen = capture.at("client")
    assert [join.initiator for join in seen.joins()] == [home.local]
    assert not any(s.syn and not s.ack for s in seen.arrived())


def test_nobody_outside_knows_the_addresses_at_home(server, capture):
    """Asked for a host behind NAT, the network answers that there is none."""
    with server.msocket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        refused = sock.connect_ex((HOME, 5001))

    assert refused == errno.ENETUNREACH
    assert len(capture.at("server").sent()) == 1


def test_a_router_forgets_who_is_silent(request):
    """After the idle timeout it refuses what comes for the subflow; the other one carries on."""
    file = request.config.rootpath / "topologies" / "behind_nat.yaml"
    text = file.read_text(encoding="utf-8")
    forgetful = text.replace("nat: [wan]", "nat: [wan]\n    idle_timeout: 1 s")
    with Network(loads(forgetful, "forgetful.yaml")) as network:
        client, server = network.node("client"), network.node("server")
        with connected(client, server, HOME, SERVER) as (sock, accepted):
            sock.open_subflow(LTE, backup=True)
            end = time.monotonic() + DEADLINE
            while len(accepted.subflows()) == 2:
                assert time.monotonic() < end, "the server still has both subflows"
                time.sleep(1.5)  # the silence that the router measures
                exchange(accepted, sock)

            exchange(sock, accepted)
            assert [subflow.remote.host for subflow in accepted.subflows()] == [LTE]
