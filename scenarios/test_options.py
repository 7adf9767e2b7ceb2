"""Options of one subflow, which its sibling does not get."""

import errno
import itertools
import socket
import struct
import sys
import time

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6

import mptcpapi
from lab.errors import Unsupported
from lab.wire import capture_file, link_layer
from mptcpapi import EventKind, TcpState, abi

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])

TRAFFIC_CLASS = {
    "ipv4": (socket.IPPROTO_IP, socket.IP_TOS),
    "ipv6": (socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
}
MARK = (socket.SOL_SOCKET, socket.SO_MARK)
CONGESTION = (socket.IPPROTO_TCP, socket.TCP_CONGESTION)
USER_TIMEOUT = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
INFO = (socket.IPPROTO_TCP, socket.TCP_INFO)


@pytest.fixture
def bpf(flow):
    """A kernel and a user that can reach the options of one subflow."""
    try:
        flow.connection.get_subflow_option(flow.first, *MARK)
    except mptcpapi.MachineError as refused:
        raise Unsupported(refused.strerror) from refused


def told(client, subflow):
    """What sock_diag says of one subflow, by another program."""
    host, port = subflow.local
    address = f"[{host}]" if ":" in host else host
    find = ("src", address, "and", "sport", "=", f":{port}")
    return client.run("ss", "--no-header", "--tcp", "--extended", "--info", "--tos", *find).split()


def traffic_classes(result, seen):
    """The TOS octet, or the traffic class, of each segment in the order of the capture."""
    path = result.captures / f"{seen.at}.pcap"
    records = {each.number: each for each in capture_file.records(path.read_bytes(), path.name)}
    packets = (records[segment.number] for segment in seen)
    return [_traffic_class(packet.frame, packet.interface.link_type) for packet in packets]


def _traffic_class(frame, link_type):
    link = link_layer.network(frame, link_type)
    if link.protocol == link_layer.ETH_P_IP:
        return IP(frame[link.offset :]).tos
    return IPv6(frame[link.offset :]).tc


@both_families
@pytest.mark.usefixtures("bpf")
def test_packets_of_one_subflow_are_marked(flow, capture, client, result, family):
    """The type of service of one subflow is on its packets from then on, and on no others."""
    first = flow.first
    lte = flow.open_subflow("lte")
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 10_000)

    flow.connection.set_subflow_option(lte, *TRAFFIC_CLASS[family], 0x28)
    changed = time.time()

    assert flow.connection.get_subflow_option(lte, *TRAFFIC_CLASS[family]) == 0x28
    assert flow.connection.get_subflow_option(first, *TRAFFIC_CLASS[family]) == 0
    assert {"tos:0x28", "tclass:0x28"} & set(told(client, lte))
    assert not {"tos:0x28", "tclass:0x28"} & set(told(client, first))
    seen = capture.until(
        "server",
        lambda seen: all(
            seen.arrived().on(each).after(changed).payload() > 300_000 for each in (first, lte)
        ),
    )
    on_lte = traffic_classes(result, seen.arrived().on(lte))
    assert [value for value, _ in itertools.groupby(on_lte)] == [0, 0x28]
    assert set(traffic_classes(result, seen.arrived().on(first))) == {0}


@both_families
@pytest.mark.usefixtures("bpf")
def test_congestion_control_and_mark_of_one_subflow(flow, client):
    """One subflow has another congestion control and a mark; the sibling keeps its own."""
    first, lte = flow.first, flow.open_subflow("lte")
    before = flow.connection.get_subflow_option(first, *CONGESTION, 16)

    flow.connection.set_subflow_option(lte, *CONGESTION, b"reno")
    flow.connection.set_subflow_option(lte, *MARK, 0x2A)
    flow.wait_delivered_more("200 kB")

    assert flow.connection.get_subflow_option(lte, *CONGESTION, 16) == b"reno" + bytes(12)
    assert flow.connection.get_subflow_option(lte, *MARK) == 0x2A
    assert {"reno", "fwmark:0x2a"} <= set(told(client, lte))
    assert before.rstrip(b"\0") != b"reno"
    assert flow.connection.get_subflow_option(first, *CONGESTION, 16) == before
    assert flow.connection.get_subflow_option(first, *MARK) == 0
    assert not {"reno", "fwmark:0x2a"} & set(told(client, first))


@pytest.mark.usefixtures("bpf")
def test_a_user_timeout_ends_a_dead_subflow(flow, net, capture):
    """A subflow whose path is cut ends after its TCP_USER_TIMEOUT, and the other goes on."""
    first = flow.first
    lte = flow.open_subflow("lte")
    flow.connection.set_subflow_option(lte, *USER_TIMEOUT, 500)
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 10_000)

    net.node("gw").run("ip", "link", "set", "lte", "down")

    flow.events["client"].wait(EventKind.SUB_CLOSED, lte, error=errno.ETIMEDOUT)
    flow.wait_delivered_more("200 kB")
    assert [subflow.id for subflow in flow.connection.subflows()] == [first.id]
    assert flow.connection.get_subflow_option(first, *USER_TIMEOUT) == 0
    with pytest.raises(mptcpapi.NoSuchSubflow):
        flow.connection.set_subflow_option(lte, *USER_TIMEOUT, 0)


SAMPLES = {
    (socket.IPPROTO_IP, socket.IP_TOS): 0x28,
    (socket.SOL_SOCKET, socket.SO_REUSEADDR): 1,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.SOL_SOCKET, socket.SO_PRIORITY): 3,
    (socket.SOL_SOCKET, socket.SO_REUSEPORT): 1,
    (socket.SOL_SOCKET, socket.SO_MARK): 7,
    (socket.SOL_SOCKET, abi.SO_MAX_PACING_RATE): 2_000_000,
    (socket.SOL_SOCKET, abi.SO_TXREHASH): 0,
    (socket.IPPROTO_TCP, socket.TCP_NODELAY): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 100,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 20,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 4,
    (socket.IPPROTO_TCP, socket.TCP_SYNCNT): 2,
    (socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP): 30_000,
    (socket.IPPROTO_TCP, abi.TCP_THIN_LINEAR_TIMEOUTS): 1,
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 30_000,
    (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT): 16_384,
    (socket.IPPROTO_TCP, abi.TCP_SAVE_SYN): 1,
}
"""Options that every kernel takes which takes any, each with a value that is not its default. The
type of service comes before the priority, as it also sets that."""


@pytest.mark.usefixtures("bpf")
def test_every_option_is_that_of_one_subflow(flow):
    """What is set on one subflow is read from it, and the sibling's value does not change."""
    sock, first, lte = flow.connection, flow.first, flow.open_subflow("lte")
    before = {option: sock.get_subflow_option(first, *option) for option in SAMPLES}

    for option, value in SAMPLES.items():
        sock.set_subflow_option(lte, *option, value)

    after = {option: sock.get_subflow_option(lte, *option) for option in SAMPLES}
    assert after == SAMPLES
    assert {option: sock.get_subflow_option(first, *option) for option in SAMPLES} == before
    assert not set(before.items()) & set(after.items())


@pytest.mark.usefixtures("bpf")
def test_what_the_kernel_does_not_take(flow):
    """A refusal names the option, and has the kernel's errno."""
    sock, first = flow.connection, flow.first

    with pytest.raises(mptcpapi.KernelRefused, match="TCP_CONGESTION of subflow 1") as unknown:
        sock.set_subflow_option(first, *CONGESTION, b"no_such_one")
    with pytest.raises(mptcpapi.KernelRefused, match="TCP_SYNCNT of subflow 1") as too_many:
        sock.set_subflow_option(first, socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1000)
    with pytest.raises(mptcpapi.InvalidArgument, match="IPV6_TCLASS of subflow 1"):
        sock.set_subflow_option(first, *TRAFFIC_CLASS["ipv6"], 0)
    with pytest.raises(mptcpapi.Unsupported, match="SO_BINDTODEVICE of subflow 1"):
        sock.get_subflow_option(first, socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)

    assert (unknown.value.errno, too_many.value.errno) == (errno.ENOENT, errno.EINVAL)


def test_what_everybody_may_read(flow, capture):
    """TCP_INFO and what a subflow's socket is need no privilege."""
    sock, first, lte = flow.connection, flow.first, flow.open_subflow("lte")
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 10_000)

    kinds = (socket.SO_TYPE, socket.SO_DOMAIN, socket.SO_PROTOCOL, socket.SO_ERROR)
    values = [sock.get_subflow_option(lte, socket.SOL_SOCKET, kind) for kind in kinds]
    infos = [sock.get_subflow_option(each, *INFO, 1024) for each in (first, lte)]
    cookies = {
        sock.get_subflow_option(each, socket.SOL_SOCKET, abi.SO_COOKIE) for each in (first, lte)
    }

    assert values == [socket.SOCK_STREAM, socket.AF_INET, socket.IPPROTO_TCP, 0]
    assert [info[0] for info in infos] == [TcpState.ESTABLISHED] * 2
    tcpi_bytes_acked = [struct.unpack_from("=Q", info, 120)[0] for info in infos]
    assert min(tcpi_bytes_acked) > 0
    assert tcpi_bytes_acked[0] != tcpi_bytes_acked[1]
    assert sock.get_subflow_option(lte, *INFO, 1) == infos[1][:1]
    assert len(cookies) == 2
    with pytest.raises(mptcpapi.Unsupported, match="TCP_INFO cannot be set"):
        sock.set_subflow_option(lte, *INFO, b"")
    with pytest.raises(mptcpapi.NoSuchSubflow):
        sock.get_subflow_option(99, *INFO, 1)


CONNECTED = """
import os, socket
from concurrent.futures import ThreadPoolExecutor
import mptcpapi
server = mptcpapi.create_server(("127.0.0.1", 0))
sock = mptcpapi.create_connection(server.getsockname())
MARK = (socket.SOL_SOCKET, socket.SO_MARK)
"""

ASK = """
try:
    sock.set_subflow_option(1, *MARK, 1)
except mptcpapi.NoPrivilege as refused:
    print(refused.errno, refused.strerror)
"""


def test_without_the_capability(client):
    """In a user namespace of its own a process learns what is missing, and where."""
    asked = client.run(
        "unshare", "--user", "--map-root-user", sys.executable, "-c", CONNECTED + ASK
    )

    assert asked.startswith(f"{errno.EPERM} ")
    assert "CAP_BPF and CAP_PERFMON" in asked
    assert "initial user namespace" in asked


SHARE = """
def keep(option):
    for value in [1, 2, 3, 4, 5] * 20:
        sock.set_subflow_option(1, *option, value)
        found = sock.get_subflow_option(1, *option)
        assert found == value, f"{option}: set {value}, got {found}"

keep(MARK)
child = os.fork()
if not child:
    keep((socket.IPPROTO_TCP, socket.TCP_KEEPCNT))
    os._exit(0)
with ThreadPoolExecutor() as pool:
    list(pool.map(keep, [MARK, (socket.SOL_SOCKET, socket.SO_PRIORITY)]))
assert os.waitpid(child, 0)[1] == 0, "the child process did not get what it had set"
print("kept")
"""


@pytest.mark.usefixtures("bpf")
def test_threads_and_processes_do_not_meet(client):
    """Threads and a child process set options of one subflow; each gets what it has set."""
    assert client.run(sys.executable, "-c", CONNECTED + SHARE) == "kept\n"
