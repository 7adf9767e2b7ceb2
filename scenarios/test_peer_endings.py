"""Ends of subflows and connections that a scripted peer brings about (RFC 8684, 3.3.3 to 3.6)."""

import errno

import pytest

from lab.environment import counters
from lab.peer import meanwhile
from lab.wire.mptcp import Dss, MpFastclose, MpTcpRst, ResetReason
from mptcpapi import EventKind, TcpState

pytestmark = pytest.mark.topology("two_paths")


@pytest.fixture
def lte(dialled):
    """A second subflow, which the kernel has opened."""
    with meanwhile(dialled.socket.open_subflow, "10.0.2.1"):
        return dialled.peer.accept_join(dialled.connection)


@pytest.mark.parametrize("reason", [*ResetReason, 7], ids=lambda reason: f"reason-{reason:d}")
def test_the_reason_of_a_reset_is_told(dialled, lte, client, capture, reason):
    """The event of the subflow's end has the reason as it was sent, also one that is unassigned."""
    lte.send(MpTcpRst(reason=reason), flags="RA")

    ended = dialled.events.wait(EventKind.SUB_CLOSED, error=errno.ECONNRESET)
    assert (ended.remote, ended.reset_reason) == (lte.local, reason)
    assert counters(client)["MPRstRx"] == 1
    _, seen = capture.at("client").arrived().only(MpTcpRst)
    assert seen.reason == reason
    dialled.connection.send(b"on the other")
    assert dialled.socket.recv(12) == b"on the other"


def test_a_reset_without_a_reason(dialled, lte, client):
    """A plain RST ends its subflow alone; there is no reason, and no counter."""
    lte.send(flags="RA")

    ended = dialled.events.wait(EventKind.SUB_CLOSED, error=errno.ECONNRESET)
    assert (ended.remote, ended.reset_reason) == (lte.local, None)
    assert counters(client)["MPRstRx"] == 0
    dialled.connection.send(b"on the other")
    assert dialled.socket.recv(12) == b"on the other"


@pytest.mark.parametrize("flags", ["A", "R", "RA"])
def test_fastclose_ends_the_connection(dialled, lte, client, flags):
    """MP_FASTCLOSE with the kernel's key, on an ACK or on a RST: every subflow is reset."""
    first = dialled.connection.first
    first.send(MpFastclose(receiver_key=dialled.connection.remote_key), flags=flags)

    lte.expect("R")
    if flags == "A":
        first.expect("R")
    with pytest.raises(ConnectionResetError):
        dialled.socket.recv(1)
    said = counters(client)
    assert (said["MPFastcloseRx"], said["MPCurrEstab"]) == (1, 0)


@pytest.mark.violates("MP_FASTCLOSE has key")
def test_fastclose_with_a_wrong_key_on_an_ack(dialled, client):
    """It is ignored, and the connection goes on."""
    connection = dialled.connection
    connection.first.send(MpFastclose(receiver_key=connection.remote_key ^ 1))
    connection.send(b"still here")

    assert dialled.socket.recv(10) == b"still here"
    said = counters(client)
    assert (said["MPFastcloseRx"], said["MPCurrEstab"]) == (0, 1)


@pytest.mark.violates("MP_FASTCLOSE has key")
def test_fastclose_with_a_wrong_key_on_a_reset(dialled, lte, client):
    """It is a plain RST: this subflow ends, and the connection goes on with the other one."""
    connection = dialled.connection
    connection.first.send(MpFastclose(receiver_key=connection.remote_key ^ 1), flags="R")

    ended = dialled.events.wait(EventKind.SUB_CLOSED, error=errno.ECONNRESET)
    assert ended.remote_id == 0
    assert ended.local == connection.first.remote
    connection.send(b"still here", lte)
    assert dialled.socket.recv(10) == b"still here"
    assert counters(client)["MPFastcloseRx"] == 0


@pytest.mark.parametrize("last", [b"", b"last"], ids=["alone", "with-data"])
def test_data_fin_ends_one_direction(dialled, last):
    """After DATA_FIN the kernel's application reads the end, and can still send."""
    connection = dialled.connection
    connection.send(last, fin=True)

    if last:
        assert dialled.socket.recv(10) == last
    assert dialled.socket.recv(10) == b""
    connection.expect_acknowledged()
    dialled.socket.sendall(b"answer")
    connection.expect(b"answer")
    assert [subflow.state for subflow in dialled.socket.subflows()] == [TcpState.ESTABLISHED]


def test_the_kernel_closes(dialled, lte, client):
    """A closed socket sends DATA_FIN; when both directions have ended, each subflow has its FIN."""
    connection = dialled.connection
    dialled.socket.close()
    data_fin = connection.first.expect_segment(ends_data, "DATA_FIN")
    assert not data_fin.fin
    assert counters(client)["MPCurrEstab"] == 0
    connection.take(data_fin)
    connection.send(b"", fin=True)

    for subflow in connection.subflows:
        subflow.expect("F")
        assert not any(segment.rst for segment in subflow.heard)
    dialled.events.wait(EventKind.CLOSED)


def ends_data(segment):
    """Whether a segment has DATA_FIN."""
    return any(isinstance(each, Dss) and each.flags.F for each in segment.mptcp)


def test_a_fin_of_tcp_is_not_the_end_of_data(dialled, lte, client):
    """A FIN ends its subflow; what follows on the other one still belongs to the connection."""
    connection = dialled.connection
    connection.first.send(flags="FA")
    connection.first.expect("F")
    closed = dialled.events.wait(EventKind.SUB_CLOSED)

    assert (closed.local, closed.error) == (connection.first.remote, None)
    connection.send(b"still here", lte)
    assert dialled.socket.recv(10) == b"still here"
    assert counters(client)["MPCurrEstab"] == 1
