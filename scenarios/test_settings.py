"""Settings of a host in its topology: each has its effect in the kernel and on the wire."""

import re
import socket
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from topology_files import TWO_WAYS

import mptcpapi
from lab.build import Network
from lab.capture import Captures
from lab.errors import Unsupported, UsageError
from lab.load import loads
from lab.wire.mptcp import AddAddr, MpCapable, MpJoinSyn

SERVER = ("10.0.9.2", 5001)
LTE, CORE, OTHER = "10.0.2.1", "10.0.9.2", "10.0.8.2"
SUBFLOW = "{endpoints: [{address: 10.0.2.1, flags: subflow}]}"
OPTION_SACK_PERMITTED = bytes((4, 2))
"""RFC 2018, section 2."""


def declared(client="{}", server="{}"):
    """The topology with these settings."""
    return loads(TWO_WAYS.format(name="settings", client=client, server=server), "settings.yaml")


class Ends(NamedTuple):
    """A connection on which data went both ways, and what was seen of it."""

    client: mptcpapi.Socket
    server: mptcpapi.Socket
    network: Network
    captures: Captures


@pytest.fixture
def connected(tmp_path):
    """Build a network of such settings, and connect its client to its server."""
    with ExitStack() as undo:

        def connect(client="{}", server="{}", to=SERVER):
            topology = declared(client, server)
            network = undo.enter_context(Network(topology))
            hosts = [network.node(name) for name in topology.hosts]
            captures = undo.enter_context(Captures(hosts, tmp_path))
            return Ends(*undo.enter_context(_connection(network, to)), network, captures)

        yield connect


@contextmanager
def _connection(network, to):
    """It listens at every address: a subflow to one that is announced is for this port, too."""
    family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
    with network.node("server").stack():
        listener = mptcpapi.create_server(("", to[1]), family=family)
    with listener, network.node("client").stack(), mptcpapi.create_connection(to) as sock:
        accepted, _ = listener.accept()
        with accepted:
            exchange(sock, accepted)
            yield sock, accepted


def exchange(one, other):
    """Send a few bytes each way: then both kernels know the connection to be MPTCP."""
    for sender, receiver in ((one, other), (other, one)):
        sender.sendall(b"data")
        assert receiver.recv(4) == b"data"


def joins(seen):
    """The pairs of hosts between which subflows were joined, third packet included."""
    return {(join.initiator.host, join.responder.host) for join in seen.joins() if join.ack}


def test_an_endpoint_opens_a_backup_subflow(connected):
    """Endpoints join by themselves; with the flag backup, MP_JOIN has the B bit."""
    ends = connected("{endpoints: [{address: 10.0.2.1, flags: [subflow, backup], id: 7}]}")

    seen = ends.captures.until("server", joins)

    with ends.network.node("client").stack():
        (endpoint,) = (each for each in mptcpapi.endpoints() if each.id == 7)
    assert endpoint.address.host == LTE
    assert joins(seen) == {(LTE, CORE)}
    assert seen.join().initiator_backup
    assert seen.join().initiator_address_id == 7
    assert ends.client.subflow_details()[1].backup


@pytest.mark.parametrize("server", [SERVER, ("fd00:9::2", 5001)])
def test_an_interface_stands_for_all_of_its_addresses(connected, server):
    """Each of them is an endpoint, and a connection joins from the one of its family."""
    ends = connected("{endpoints: [{interface: lte, flags: subflow}]}", to=server)

    (_, join) = ends.captures.until("server", joins).only(MpJoinSyn)

    assert not join.backup
    with ends.network.node("client").stack():
        endpoints = {each.address.host: each.id for each in mptcpapi.endpoints()}
    assert endpoints == {LTE: 1, "fd00:2::1": 2}
    assert join.address_id == (2 if ":" in server[0] else 1)


@pytest.mark.parametrize("checksum", ["true", "false"])
def test_checksums_are_asked_for(connected, checksum):
    """MP_CAPABLE has the flag A where the file says so (RFC 8684, section 3.1)."""
    ends = connected(f"{{checksum: {checksum}}}")

    syn, option = ends.captures.at("server").first(MpCapable)

    assert syn.syn
    assert ("A" in option.flags) == (checksum == "true")
    assert ends.client.mptcp_info().csum_enabled == (checksum == "true")


@pytest.mark.parametrize("allowed", ["true", "false"])
def test_joins_to_the_initial_address(connected, allowed):
    """A server that wants none says so by the flag C, and gets them at what it announces."""
    server = f"allow_join_initial_addr_port: {allowed}"
    ends = connected(
        "{limits: {subflows: 2, add_addr_accepted: 1}, "
        "endpoints: [{address: 10.0.2.1, flags: subflow}]}",
        f"{{{server}, endpoints: [{{interface: other, flags: signal}}]}}",
    )

    expected = {("10.0.1.1", OTHER)} | ({(LTE, CORE)} if allowed == "true" else set())
    seen = ends.captures.until("client", lambda seen: expected <= joins(seen))

    _, (syn_ack, option), *_ = seen.all(MpCapable)
    assert syn_ack.syn
    assert ("C" in option.flags) == (allowed == "false")
    assert joins(seen) == expected


@pytest.mark.parametrize(("limit", "refused"), [(0, True), (1, False)])
def test_a_limit_refuses_a_join(connected, limit, refused):
    """The server's kernel accepts as many subflows as its limits say, and resets the next one."""
    ends = connected(SUBFLOW, f"{{limits: {{subflows: {limit}}}}}")

    seen = ends.captures.until("client", joins)
    ends.captures.until("client", lambda seen: reset(seen) or len(ends.server.subflows()) == 2)

    seen = ends.captures.at("client")
    assert reset(seen) == refused
    with ends.network.node("server").stack():
        assert mptcpapi.limits().subflows == limit
    exchange(ends.client, ends.server)


def reset(seen):
    """Whether the subflow from the second address was reset by the server."""
    return any(segment.rst and segment.destination.host == LTE for segment in seen.arrived())


def test_an_address_is_announced(connected):
    """An endpoint with the flag signal makes ADD_ADDR, with its id and port, and is joined."""
    ends = connected(
        "{limits: {add_addr_accepted: 1}}",
        "{endpoints: [{interface: other, flags: signal, port: 7000, id: 9}]}",
    )

    seen = ends.captures.until("client", joins)

    _, announced = seen.arrived().first(AddAddr)
    assert (announced.address, announced.port, announced.address_id) == (OTHER, 7000, 9)
    assert seen.join().responder == (OTHER, 7000)


@pytest.mark.parametrize(
    ("flags", "pairs"),
    [
        ("subflow", {(LTE, CORE), ("10.0.1.1", OTHER)}),
        ("[subflow, fullmesh]", {(LTE, CORE), (LTE, OTHER)}),
        ("fullmesh", {(LTE, OTHER)}),
    ],
)
def test_a_full_mesh(connected, flags, pairs):
    """With the flag fullmesh, subflows lead from the endpoint to every address that is told."""
    ends = connected(
        "{limits: {subflows: 8, add_addr_accepted: 8}, "
        f"endpoints: [{{address: {LTE}, flags: {flags}}}]}}",
        "{limits: {subflows: 8}, endpoints: [{interface: other, flags: signal}]}",
    )

    seen = ends.captures.until("server", lambda seen: pairs <= joins(seen))

    assert joins(seen) == pairs


def test_a_laminar_endpoint(connected):
    """It opens nothing until an address is announced, and then to that one alone."""
    ends = connected(
        "{limits: {add_addr_accepted: 1}, endpoints: [{address: 10.0.2.1, flags: laminar}]}",
        "{endpoints: [{interface: other, flags: signal}]}",
    )

    seen = ends.captures.until("server", joins)

    assert joins(seen) == {(LTE, OTHER)}


def test_the_congestion_control_of_every_subflow(connected):
    """The initial subflow and the one that joins have it; the server keeps the machine's."""
    ends = connected(f"{{congestion_control: reno, {SUBFLOW[1:]}")

    ends.captures.until("server", joins)

    used = ends.network.node("client").run("ss", "-tinH", "dst", CORE)
    assert len(re.findall(r"^\s+(?:ts |sack )*reno ", used, re.MULTILINE)) == 2
    assert ends.client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)[:5] == b"reno\0"


def test_a_restricted_congestion_control(connected):
    """What only the machine's own namespace may have is told, with what to do instead."""
    here = Path("/proc/sys/net/ipv4")
    available = (here / "tcp_available_congestion_control").read_text("ascii").split()
    allowed = (here / "tcp_allowed_congestion_control").read_text("ascii").split()
    restricted = [name for name in available if name not in allowed]
    if not restricted:
        pytest.skip("this machine restricts no congestion control that it has")

    with pytest.raises(Unsupported, match="is restricted on this machine, so that no") as told:
        connected(f"{{congestion_control: {restricted[0]}}}")

    assert "tcp_allowed_congestion_control" in str(told.value)
    ends = connected()
    chosen = restricted[0].encode()
    ends.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, chosen)  # as it advises
    got = ends.client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    assert got.rstrip(b"\0") == chosen


@pytest.mark.parametrize("sack", [0, 1])
def test_a_sysctl_of_tcp(connected, sack):
    """A host that does not want selective acknowledgments does not offer them in its SYN."""
    ends = connected(f"{{sysctls: {{net.ipv4.tcp_sack: {sack}}}}}")

    syn, _ = ends.captures.at("server").first(MpCapable)

    assert (OPTION_SACK_PERMITTED in syn.options) == bool(sack)


def test_sysctls_of_interfaces():
    """Those of one are set once it exists; those of default are what it inherits."""
    sysctls = "net.ipv4.conf.default.accept_local: 1, net.ipv4.conf.lte.rp_filter: 2"
    with Network(declared(f"{{sysctls: {{{sysctls}}}}}")) as network:
        client = network.node("client")
        assert client.sysctl("net.ipv4.conf.lte.rp_filter") == "2"
        assert client.sysctl("net.ipv4.conf.wifi.rp_filter") == "0"
        assert client.sysctl("net.ipv4.conf.wifi.accept_local") == "1"


@pytest.mark.parametrize(
    ("client", "error", "message"),
    [
        ("{scheduler: nosuch}", Unsupported,
         r"client: the kernel refuses net.mptcp.scheduler='nosuch': .* \(known: .*default"),
        ("{congestion_control: nosuch}", Unsupported, r"\(known: .*reno"),
        ("{sysctls: {net.mptcp.nosuch: 1}}", Unsupported, "no sysctl 'net.mptcp.nosuch'"),
        ("{sysctls: {net.ipv4.tcp_sack: much}}", UsageError, "net.ipv4.tcp_sack='much': Invalid"),
    ],
)  # fmt: skip
def test_what_this_kernel_does_not_take(client, error, message):
    """What it lacks makes the run skipped; what is no value of a sysctl is an error."""
    with pytest.raises(error, match=message), Network(declared(client)):
        pass


def test_a_scheduler_that_there_is(connected):
    """The one that every kernel has can be named."""
    ends = connected("{scheduler: default}")

    assert ends.network.node("client").sysctl("net.mptcp.scheduler") == "default"
    exchange(ends.client, ends.server)
