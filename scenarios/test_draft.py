"""The draft's names (draft-hesmans-mptcp-socket), and what its libraries were tested for."""

import ctypes
import errno
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.wire.mptcp import MpJoinSyn
from mptcpapi import EventKind, InvalidArgument, MptcpError, SubflowRefused, draft

pytestmark = pytest.mark.topology("two_paths")

CAP_NET_BIND_SERVICE = 10
_LINUX_CAPABILITY_VERSION_3 = 0x20080522

TCPI_BYTES_ACKED = struct.Struct("=120xQ")
"""Where <linux/tcp.h> has ``tcpi_bytes_acked`` in ``struct tcp_info``."""


def tuple_from(flow, link, port=0, **options):
    """A tuple from the client's address on ``link`` to where the connection goes."""
    there, _ = flow.connection.getpeername()
    return draft.make_flow(flow.address("client", link), port, there, 0, **options)


def ids(sock):
    """The ids of the subflows that the connection has."""
    return [status.id for status in draft.get_sub_ids(sock)]


def test_a_subflow_is_opened_and_listed(flow, capture):
    """The id that open gives back is that of the new subflow; it carries data."""
    number = draft.open_sub(flow.connection, tuple_from(flow, "lte"))
    lte = draft.get_sub_tuple(flow.connection, number)
    seen = capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 50_000)

    first, other = draft.get_sub_ids(flow.connection)
    assert (first.id, first.slave_sk) == (1, False)
    assert other == draft.SubStatus(
        id=number,
        slave_sk=True,
        fully_established=True,
        attached=True,
        low_prio=False,
        pre_established=False,
    )
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte)
    assert (seen.join().initiator, seen.join().responder) == (lte.local, lte.remote)
    seen.join().verify(seen.connection())


def test_low_priority_is_honoured(flow, capture):
    """A subflow opened with low priority says so in its SYN, and has no data acknowledged."""
    number = draft.open_sub(flow.connection, tuple_from(flow, "lte", low_prio=True))
    lte = draft.get_sub_tuple(flow.connection, number)
    flow.wait_delivered_more("200 kB")

    assert lte.low_prio
    assert [status.low_prio for status in draft.get_sub_ids(flow.connection)] == [False, True]
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte, backup=True)
    _, syn = capture.at("server").arrived().only(MpJoinSyn)
    assert syn.backup
    acked = [
        TCPI_BYTES_ACKED.unpack_from(draft.get_sub_info(flow.connection, id))[0]
        for id in (1, number)
    ]
    assert acked[0] > 100_000
    assert acked[1] <= 1  # its SYN


@pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])
def test_every_way_of_closing_ends_with_fin(flow, capture, how):
    """Whatever ``how`` says, the subflow ends with FIN in both directions and leaves the list."""
    number = draft.open_sub(flow.connection, tuple_from(flow, "lte"))
    lte = draft.get_sub_tuple(flow.connection, number)
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 10_000)

    draft.close_sub(flow.connection, number, how)

    assert ids(flow.connection) == [1]
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
    first = draft.get_sub_tuple(flow.connection, 1)
    seen = capture.until(
        "server", lambda seen: seen.arrived().on(first).after(seen.on(lte).end).payload() > 100_000
    )
    assert [segment.source for segment in seen.on(lte) if segment.fin] == [lte.local, lte.remote]
    assert not any(segment.rst for segment in seen.on(lte))


def test_an_unknown_id(flow, capture):
    """Nothing can be done to the subflow 100: EINVAL; those that exist are not touched."""
    draft.open_sub(flow.connection, tuple_from(flow, "lte"))

    for name, *arguments in (
        ("get_sub_tuple",),
        ("get_sub_info",),
        ("close_sub", socket.SHUT_RDWR),
        ("get_sub_sockopt", socket.IPPROTO_TCP, socket.TCP_INFO),
        ("set_sub_sockopt", socket.IPPROTO_IP, socket.IP_TOS, 28),
    ):
        with pytest.raises(MptcpError, match="such subflow as 100;") as refusal:
            getattr(draft, name)(flow.connection, 100, *arguments)
        assert refusal.value.errno == errno.EINVAL
    flow.wait_delivered_more("200 kB")

    assert len(ids(flow.connection)) == 2
    assert not any(segment.fin or segment.rst for segment in capture.at("server"))


def test_a_bad_host(flow, capture):
    """A name that does not resolve is refused before anything is sent."""
    with pytest.raises(InvalidArgument, match="no-such-host") as refusal:
        draft.make_flow(flow.address("client", "lte"), 0, "no-such-host.invalid", 80)
    flow.wait_delivered_more("100 kB")

    assert refusal.value.errno == errno.EINVAL
    assert ids(flow.connection) == [1]
    assert capture.at("client").joins() == ()


def test_the_same_tuple_twice(flow, capture):
    """The endpoints of a subflow cannot be those of a second one."""
    number = draft.open_sub(flow.connection, tuple_from(flow, "lte"))
    lte = draft.get_sub_tuple(flow.connection, number)

    with pytest.raises(SubflowRefused, match="there is a subflow") as refusal:
        draft.open_sub(flow.connection, lte)
    seen = capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 50_000)

    assert refusal.value.errno == errno.EADDRINUSE
    assert ids(flow.connection) == [1, number]
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte)
    assert [join.initiator for join in seen.joins()] == [lte.local]


def test_a_privileged_local_port(flow, capture):
    """A port below 1024 takes CAP_NET_BIND_SERVICE: EACCES without it, a subflow with it."""
    wanted = tuple_from(flow, "lte", port=1000)
    flow.wait_delivered("100 kB")

    with ThreadPoolExecutor(1, initializer=give_up, initargs=[CAP_NET_BIND_SERVICE]) as thread:
        refusal = thread.submit(draft.open_sub, flow.connection, wanted).exception()
    number = draft.open_sub(flow.connection, wanted)

    assert isinstance(refusal, SubflowRefused)
    assert refusal.errno == errno.EACCES
    lte = draft.get_sub_tuple(flow.connection, number)
    assert lte.local == wanted.local
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte)
    assert [join.initiator for join in capture.at("server").joins()] == [wanted.local]


def give_up(capability):
    """Take a capability from the calling thread, and from no other (capset(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; once more for 32 and above
    assert libc.capget(header, sets) == 0
    sets[0] &= ~(1 << capability)
    assert libc.capset(header, sets) == 0
