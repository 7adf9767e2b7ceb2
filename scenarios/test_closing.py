"""Closing a subflow while data flows (RFC 8684, sections 3.3.3 and 3.6)."""

import socket
from errno import ECONNABORTED, ECONNRESET

import pytest

import mptcpapi
from lab.wire.mptcp import Subtype
from mptcpapi import EventKind, NoSuchSubflow, TcpState

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@both_families
def test_a_closed_subflow_ends_with_fin(flow, capture):
    """The sender closes the second subflow: FIN both ways, and the data goes on over the first."""
    first = flow.first
    lte = flow.open_subflow("lte")
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 10_000)

    flow.connection.close_subflow(lte)

    assert [subflow.id for subflow in flow.connection.subflows()] == [first.id]
    flow.events["client"].wait(EventKind.SUB_CLOSED, lte)
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
    seen = capture.until(
        "server", lambda seen: seen.arrived().on(first).after(seen.on(lte).end).payload() > 100_000
    )
    fins = dict.fromkeys(segment.source for segment in seen.on(lte) if segment.fin)
    assert list(fins) == [lte.local, lte.remote]  # each may have been sent again
    assert not any(segment.rst for segment in seen.on(lte))


@both_families
def test_the_initial_subflow_can_be_closed(flow, capture):
    """The connection outlives its first subflow and goes on over the second."""
    first = flow.first
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("100 kB")

    flow.connection.close_subflow(first)

    assert [subflow.id for subflow in flow.connection.subflows()] == [lte.id]
    flow.events["server"].wait(EventKind.SUB_CLOSED, first)
    seen = capture.until(
        "server", lambda seen: seen.arrived().on(lte).after(seen.on(first).end).payload() > 100_000
    )
    ends = {segment.source for segment in seen.on(first) if segment.fin}
    assert ends == {first.local, first.remote}


def fill_the_queue(sender, receiver):
    """Let so much be in flight that data arrives even while the processes wait for a processor."""
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)


@pytest.mark.flow(sender="server")
def test_closing_where_data_arrives_resets(flow, capture):
    """The receiver closes a subflow that is being sent on: RST with MP_TCPRST, and nothing lost."""
    first = flow.first
    fill_the_queue(flow.accepted, flow.connection)
    lte = flow.open_subflow("lte")
    flow.connection.set_backup(first, True)
    capture.until("client", lambda seen: seen.arrived().on(lte).payload() > 500_000)

    flow.connection.close_subflow(lte)

    assert [subflow.id for subflow in flow.connection.subflows()] == [first.id]
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
    seen = capture.until(
        "client", lambda seen: seen.arrived().on(first).after(seen.on(lte).end).payload() > 100_000
    )
    reset = next(segment for segment in seen.sent().on(lte) if segment.rst)
    assert [option.subtype for option in reset.mptcp] == [Subtype.MP_TCPRST]


def test_an_id_is_never_used_again(flow, capture):
    """A subflow that is opened again from the same address has a new id; the old id is unknown."""
    flow.wait_delivered("100 kB")
    one = flow.open_subflow("lte")
    flow.connection.close_subflow(one)

    with pytest.raises(NoSuchSubflow, match=f"such subflow as {one.id};"):
        flow.connection.close_subflow(one.id)
    other = flow.open_subflow("lte")

    assert other.id > one.id
    seen = capture.until("server", lambda seen: seen.arrived().on(other).payload() > 10_000)
    assert [join.initiator for join in seen.joins()] == [one.local, other.local]


@pytest.mark.parametrize("how", ["SHUT_RD", "SHUT_WR"])
def test_a_subflow_cannot_be_half_closed(flow, capture, how):
    """Whatever direction is to be shut down, FIN ends the subflow in both."""
    flow.wait_delivered("100 kB")
    lte = flow.open_subflow("lte")

    flow.connection.close_subflow(lte, getattr(socket, how))

    assert lte.id not in [subflow.id for subflow in flow.connection.subflows()]
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
    seen = capture.until(
        "server", lambda seen: {s.source for s in seen.on(lte) if s.fin} == {lte.local, lte.remote}
    )
    assert not any(segment.rst for segment in seen.on(lte))


@both_families
def test_an_aborted_subflow_ends_with_rst(flow, capture):
    """RST with MP_TCPRST ends one subflow at once; the data goes on over the other."""
    first = flow.first
    lte = flow.open_subflow("lte")
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 10_000)

    flow.connection.abort_subflow(lte)

    assert [subflow.id for subflow in flow.connection.subflows()] == [first.id]
    flow.events["client"].wait(EventKind.SUB_CLOSED, lte, error=ECONNABORTED)
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte, error=ECONNRESET)
    seen = capture.until(
        "server", lambda seen: seen.arrived().on(first).after(seen.on(lte).end).payload() > 100_000
    )
    reset = next(segment for segment in seen if segment.rst)
    assert (reset.source, reset.destination) == (lte.local, lte.remote)
    assert [option.subtype for option in reset.mptcp] == [Subtype.MP_TCPRST]
    assert not any(segment.fin for segment in seen.on(lte))
    assert not any(segment.rst for segment in seen.on(first))


@both_families
def test_after_an_abort_the_address_can_be_used_again(flow, capture):
    """A subflow from the address of an aborted one is opened, with its address id, and carries."""
    flow.wait_delivered("100 kB")
    aborted = flow.open_subflow("lte")
    flow.connection.abort_subflow(aborted)

    other = flow.open_subflow("lte")

    assert other.local_id == aborted.local_id
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, other)
    seen = capture.until("server", lambda seen: seen.arrived().on(other).payload() > 10_000)
    assert [join.initiator for join in seen.joins()] == [aborted.local, other.local]


@pytest.mark.flow(sender="server")
def test_the_acceptor_can_abort_under_the_kernels_path_manager(flow, capture):
    """Aborting takes no userspace path manager, and works where data is sent from."""
    flow.wait_delivered("100 kB")
    lte = flow.open_subflow("lte")
    there = next(each for each in mptcpapi.subflows(flow.accepted) if each.remote == lte.local)

    mptcpapi.abort_subflow(flow.accepted, there)

    flow.events["client"].wait(EventKind.SUB_CLOSED, lte, error=ECONNRESET)
    flow.wait_delivered_more("100 kB")
    reset = next(segment for segment in capture.at("client").arrived().on(lte) if segment.rst)
    assert [option.subtype for option in reset.mptcp] == [Subtype.MP_TCPRST]


def test_the_last_subflow_of_a_connection_that_the_peer_has_closed(client, server, capture):
    """It is closed when its FIN is acknowledged, although the peer's own end is not there yet."""
    with server.stack():
        listener = mptcpapi.create_server(("10.0.9.2", 0))
    with listener, client.stack(), mptcpapi.create_connection(listener.getsockname()) as sock:
        sock.sendall(b"a")
        accepted, _ = listener.accept()
        accepted.sendall(accepted.recv(1))
        assert sock.recv(1) == b"a"
        accepted.close()
        assert sock.recv(1) == b""

        sock.close_subflow(1)

        assert [each.state for each in sock.subflows()] in ([], [TcpState.FIN_WAIT2])
        assert any(segment.fin for segment in capture.at("client").sent())
