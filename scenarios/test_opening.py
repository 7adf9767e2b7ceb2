"""Opening a subflow while data flows (RFC 8684, section 3.2)."""

import errno
import socket

import pytest

import mptcpapi
from lab.wire.mptcp import Dss, MpJoin, MpJoinSyn
from mptcpapi import EventKind

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@both_families
def test_a_subflow_joins_and_carries_data(flow, capture):
    """A subflow from the second path is established when the call returns, and then used."""
    flow.wait_delivered("200 kB")

    lte = flow.open_subflow("lte")
    seen = capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 50_000)

    assert lte.fully_established
    assert [subflow.id for subflow in flow.connection.subflows()] == [1, lte.id]
    event = flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte)
    assert event.remote_id == lte.local_id
    join = seen.join()
    assert (join.initiator, join.responder) == (lte.local, lte.remote)
    join.verify(seen.connection())


def brings_news(subflow, sent):
    """Whether a subflow carried data that no other one had carried before."""
    reached = 0
    for segment, option in sent.with_payload().all(Dss):
        end = option.dsn + option.data_level_length if option.dsn else 0
        if segment.source == subflow.local and end > reached:
            return True
        reached = max(reached, end)
    return False


@both_families
def test_a_subflow_is_backup_from_its_first_packet(flow, capture):
    """Opened as backup, a subflow says so in its MP_JOIN and carries no data of its own accord."""
    first = flow.first
    lte = flow.open_subflow("lte", backup=True)
    seen = capture.until(
        "server",
        lambda seen: seen.arrived().on(first).after(seen.join().ack.time).payload() > 100_000,
    )

    assert lte.backup
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte, backup=True)
    _, syn = seen.arrived().only(MpJoinSyn)
    assert syn.backup
    assert not brings_news(lte, capture.at("client").sent())


@both_families
def test_nobody_listens(flow, capture):
    """Without a listener at the server a join is refused with RST, and the connection goes on."""
    flow.wait_delivered("200 kB")
    flow.listener.close()

    with pytest.raises(mptcpapi.SubflowRefused) as refusal:
        flow.open_subflow("lte")
    flow.wait_delivered_more("200 kB")

    assert refusal.value.errno == errno.ECONNREFUSED
    closed = flow.events["client"].wait(EventKind.SUB_CLOSED, error=errno.ECONNREFUSED)
    seen = capture.at("client")
    syn, _ = seen.only(MpJoin)
    answer = next(s for s in seen.arrived().after(syn.time) if s.destination == syn.source)
    assert answer.rst
    assert syn.source == closed.local
    assert seen.sent().on(flow.first).after(answer.time).payload() > 0
    assert [subflow.id for subflow in flow.connection.subflows()] == [1]


def test_two_subflows_of_one_link(flow, capture):
    """A second subflow from the same address shares its address id, and nothing else."""
    flow.wait_delivered("100 kB")
    one = flow.open_subflow("lte")
    other = flow.open_subflow("lte")

    assert one.id != other.id
    assert one.local != other.local
    assert one.local_id == other.local_id != 0
    seen = capture.at("server")
    joins = seen.joins()
    assert [join.initiator for join in joins] == [one.local, other.local]
    assert {join.initiator_address_id for join in joins} == {one.local_id}
    for join in joins:
        join.verify(seen.connection())


def test_a_subflow_leaves_by_the_interface_asked_for(flow, client, capture):
    """Asked for by its interface alone, a subflow has an address of it and leaves by it."""
    client.run("ip", "route", "add", "default", "via", "10.0.2.2", "dev", "lte", "metric", "99")
    with client.stack():
        index = socket.if_nametoindex("lte")
    flow.wait_delivered("100 kB")

    lte = flow.connection.open_subflow(interface="lte")
    seen = capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 50_000)

    flow.events["client"].wait(EventKind.SUB_ESTABLISHED, lte, interface=index)
    assert lte.local.host == "10.0.2.1"
    assert seen.join().initiator == lte.local
    assert {segment.interface for segment in capture.at("client").sent().on(lte)} == {index}


@both_families
def test_a_subflow_bound_to_an_interface_can_be_aborted(flow, client, capture):
    """An interface can be told by its index; the subflow bound to it is found and ended."""
    with client.stack():
        index = socket.if_nametoindex("lte")
    flow.wait_delivered("100 kB")
    lte = flow.connection.open_subflow(flow.address("client", "lte"), interface=index)

    flow.connection.abort_subflow(lte)
    flow.wait_delivered_more("100 kB")

    flow.events["server"].wait(EventKind.SUB_CLOSED, lte, error=errno.ECONNRESET)
    assert [subflow.id for subflow in flow.connection.subflows()] == [1]
    assert any(segment.rst for segment in capture.at("server").arrived().on(lte))


@both_families
def test_wildcards_and_port_0_stand_for_what_the_peer_has(flow, family, capture):
    """A remote wildcard address is the peer's, port 0 its port, in a tuple as in a string."""
    wildcard = {"ipv4": "0.0.0.0", "ipv6": "[::]"}[family]  # noqa: S104 - not bound
    lte, server = flow.address("client", "lte"), flow.address("server")
    flow.wait_delivered("100 kB")

    one = flow.connection.open_subflow((lte, 0), f"{wildcard}:0")
    other = flow.connection.open_subflow(lte, (server, 0))

    assert one.remote == other.remote == flow.first.remote
    for subflow in (one, other):
        flow.events["server"].wait(EventKind.SUB_ESTABLISHED, subflow)
    joins = capture.at("server").joins()
    assert [join.initiator for join in joins] == [one.local, other.local]


def test_the_endpoints_can_be_names(flow, capture):
    """Both ends can be told by a name and a port; the subflow is between exactly these."""
    flow.wait_delivered("100 kB")

    second = flow.connection.open_subflow("client:7000", f"server:{flow.first.remote.port}")

    assert (second.local, second.remote) == ((flow.first.local.host, 7000), flow.first.remote)
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, second)
    assert capture.at("server").join().initiator == second.local


@pytest.mark.parametrize("host", ["10.0.2.255", "127.255.255.255", "255.255.255.255", "224.0.0.1"])
def test_addresses_of_no_single_host(flow, capture, host):
    """From a broadcast or multicast address nothing is sent: an error at once, and no subflow."""
    flow.wait_delivered("100 kB")

    with pytest.raises(mptcpapi.InvalidArgument, match=host) as refusal:
        flow.connection.open_subflow(host)
    lte = flow.open_subflow("lte")

    assert refusal.value.errno == errno.EINVAL
    assert [subflow.id for subflow in flow.connection.subflows()] == [1, lte.id]
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte)
    assert [join.initiator for join in capture.at("client").joins()] == [lte.local]


def test_a_subflow_that_is_not_answered_is_taken_back(flow, net, capture):
    """When the time has passed the half-open subflow is gone, and its SYN is not repeated."""
    lte = flow.address("client", "lte")
    flow.wait_delivered("100 kB")
    net.node("gw").run("ip", "rule", "add", "to", lte, "blackhole", "pref", "1")

    with pytest.raises(mptcpapi.SubflowTimeout, match="the SYN was not answered") as refusal:
        flow.connection.open_subflow(lte, timeout=0.2)

    assert refusal.value.errno == errno.ETIMEDOUT
    assert [subflow.id for subflow in flow.connection.subflows()] == [1]
    closed = flow.events["client"].wait(EventKind.SUB_CLOSED, error=errno.ECONNRESET)
    syn, _ = capture.at("server").arrived().first(MpJoinSyn)
    assert closed.local == syn.source
    flow.wait_delivered_more("200 kB")
    assert capture.at("client").sent().after(closed.received).all(MpJoinSyn) == ()


def test_the_kernel_manages_the_paths(flow, capture):
    """At a host whose path manager is the kernel's, the error names the setting to change."""
    flow.wait_delivered("100 kB")

    with pytest.raises(mptcpapi.PathManagerNotUserspace, match=r"net\.mptcp\.") as refusal:
        mptcpapi.open_subflow(flow.accepted, remote=flow.first.local)
    flow.wait_delivered_more("100 kB")

    assert refusal.value.errno == errno.EINVAL
    assert capture.at("server").joins() == ()
