"""``mptcpapi run``: programs written for the old MPTCP socket API, unmodified."""

from errno import EACCES, EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK, EOPNOTSUPP, EPERM

import pytest
from old_programs import RUN, build, http_server, started
from scapy.layers.inet import IP, TCP
from scapy.utils import rdpcap

import mptcpapi
from lab.wire.mptcp import MpJoinSyn
from mptcpapi.subflow_options.walk import shared_walk

pytestmark = pytest.mark.topology("multipath_tcp_org")

CLIENT = ["multipath-tcp.org", 80, "192.168.33.10", "192.168.34.10"]
FORGOING = ["setpriv", "--bounding-set", "-net_bind_service"]
"""What makes the program's root an ordinary user, as far as ports go."""
ERRORS = {
    "tuple": EINVAL, "close": EINVAL, "get": EINVAL, "set": EINVAL, "short": EINVAL,
    "port": EACCES, "name": EINVAL, "closed": EOPNOTSUPP, "closed_descriptor": EBADF,
}  # fmt: skip
"""What each program tried, and the errno that it got."""
IN_C = {
    "pointer": EFAULT, "constant": EFAULT, "descriptor": EBADF, "file": ENOTSOCK,
    "mark": 0, "priority": 0, "bpf": ENOPROTOOPT,
}  # fmt: skip
"""What the programs in C tried besides."""
LANGUAGES = ["C", "static C", "go", "ruby"]


@pytest.fixture
def web(server):
    """An HTTP server called multipath-tcp.org."""
    with http_server(server):
        yield


def subflows_by_kernel(client):
    """The subflows of the client's one connection."""
    with client.stack():
        (connection,) = mptcpapi.connections()
        with mptcpapi.Borrowed.of_token(connection.token) as borrowed:
            return {each.id: each for each in mptcpapi.subflow_details(borrowed)}


def tos_on_the_wire(result, port):
    """The values of the TOS field with which the client sent from a port, in turn."""
    packets = rdpcap(str(result.directory / "captures" / "server.pcap"))
    sent = [packet[IP].tos for packet in packets if TCP in packet and packet[TCP].sport == port]
    return [tos for tos, before in zip(sent, [None, *sent], strict=False) if tos != before]


def options_can_be_set():
    """Whether options of one subflow can be set here."""
    try:
        shared_walk()
    except mptcpapi.MachineError:
        return False
    return True


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_old_program(language, client, web, capture, result, tmp_path):
    """What it was told of its subflows is what the kernel has and the wire carried."""
    command = [*RUN, "--", *FORGOING, *build(language, tmp_path), *CLIENT]
    with started(client, command) as program:
        program.until("ready")
        kernel = subflows_by_kernel(client)
        program.go_on()
        status, complaint = program.end()
    seen = capture.at("server")

    assert (status, complaint) == (0, "")
    (low,), (normal,) = program.said("opened")
    assert program.said("listed") == [[normal, f"{low}*", "1"], [normal, "1"]]
    assert program.tuples == {
        each.id: (each.local, each.remote, each.backup) for each in kernel.values()
    }
    second, third = kernel[int(low)], kernel[int(normal)]
    assert [each.local.host for each in (second, third)] == ["192.168.34.10", "192.168.33.10"]
    assert [(segment.source, syn.backup) for segment, syn in seen.arrived().all(MpJoinSyn)] == [
        (second.local, True), (third.local, False)
    ]  # fmt: skip
    for join in seen.joins():
        join.verify(seen.connection())
    ends = [segment.source for segment in seen.on(second) if segment.fin]
    assert ends == [second.local, second.remote]
    errors = ERRORS | (IN_C if "C" in language else {})
    if options_can_be_set():
        assert program.said("tos") == [[normal, "28"], ["1", "0"]]
        assert tos_on_the_wire(result, third.local.port) == [0, 28]
        assert tos_on_the_wire(result, kernel[1].local.port) == [0]
    else:
        errors = errors | {"set_tos": EPERM, "get_tos": EPERM}
        errors = errors | {what: EPERM for what in ("mark", "priority") if what in errors}
    assert program.errors == errors


def test_a_program_that_enters_another_namespace(client, web, tmp_path):
    """Its sockets are made where it is when it makes them, and its subflows opened there."""
    entering = ["mnexec", "-a", client.pid, *build("C", tmp_path), *CLIENT]
    with started(None, [*RUN, "--", *FORGOING, *entering]) as program:
        program.until("ready")
        kernel = subflows_by_kernel(client)
        program.go_on()

        assert program.end() == (0, "")

    assert program.tuples == {
        each.id: (each.local, each.remote, each.backup) for each in kernel.values()
    }


def test_a_program_in_a_user_namespace_of_its_own(client, web, tmp_path):
    """It is root there, which is nothing in the user namespace that its network belongs to."""
    apart = ["unshare", "--user", "--map-root-user"]
    with started(client, [*RUN, "--", *apart, *build("C", tmp_path), *CLIENT]) as program:
        program.until("ready")
        program.go_on()

        assert program.end() == (0, "")

    assert program.errors["port"] == EACCES
    assert program.errors["mark"] == EPERM
    assert len(program.said("opened")) == 2
