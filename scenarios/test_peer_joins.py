"""Joins that are not as they should be, made or answered by a scripted peer (RFC 8684, 3.2)."""

import errno

import pytest

from lab.environment import counters
from lab.peer import ask_to_join, join_ack, meanwhile
from lab.wire.mptcp import (
    MpJoinAck,
    MpJoinSyn,
    MpJoinSynAck,
    MpTcpRst,
    RemoveAddr,
    ResetReason,
)
from mptcpapi import EventKind, SubflowRefused

pytestmark = [
    pytest.mark.topology("two_paths"),
    pytest.mark.parametrize("family", ["ipv4", "ipv6"]),
]

LTE = {"ipv4": "10.0.2.1", "ipv6": "fd00:2::1"}
WIFI = {"ipv4": "10.0.1.1", "ipv6": "fd00:1::1"}


def still_works(ends):
    """The connection carries data after what was refused, on its only subflow."""
    ends.connection.send(b"still here")
    assert ends.socket.recv(10) == b"still here"
    assert len(ends.socket.subflows()) == 1


@pytest.mark.violates("the HMAC of the ACK is 0000")
def test_a_wrong_hmac_in_the_third_packet(served, server, family):
    """The server's kernel resets the subflow, and goes on with the connection."""
    lte = served.peer.dial(served.connection.first.remote, LTE[family])
    ask_to_join(lte, served.connection, nonce=1, address_id=2)
    lte.send(MpJoinAck(hmac=bytes(20)))

    assert lte.expect_option(MpTcpRst).reason == ResetReason.MPTCP_SPECIFIC
    assert lte.heard[-1].rst
    assert counters(server)["MPJoinAckHMacFailure"] == 1
    still_works(served)


def test_a_third_packet_without_mp_join(served, server, family):
    """The same answer as to a wrong HMAC; but no counter of the kernel tells of it."""
    lte = served.peer.dial(served.connection.first.remote, LTE[family])
    ask_to_join(lte, served.connection, nonce=1, address_id=2)
    lte.send()

    assert lte.expect_option(MpTcpRst).reason == ResetReason.MPTCP_SPECIFIC
    said = counters(server)
    assert (said["MPJoinSynRx"], said["MPJoinAckRx"], said["MPJoinAckHMacFailure"]) == (1, 0, 0)
    still_works(served)


def test_an_unknown_token(served, server, family):
    """A SYN for a connection that does not exist is refused with RST."""
    lte = served.peer.dial(served.connection.first.remote, LTE[family])
    lte.send(MpJoinSyn(token=served.connection.token ^ 1, nonce=1, address_id=2), flags="S")

    assert lte.expect_option(MpTcpRst).reason == ResetReason.MPTCP_SPECIFIC
    assert [segment.syn for segment in lte.heard] == [False], "it was answered before"
    assert counters(server)["MPJoinNoTokenFound"] == 1
    still_works(served)


def test_one_join_too_many(served, server, family):
    """The server's kernel answers a join over its limit, and refuses it when it is proven."""
    connection = served.connection
    for address_id in (2, 3):
        served.peer.join(connection, LTE[family], address_id=address_id)
    third = served.peer.dial(connection.first.remote, LTE[family])
    answer = ask_to_join(third, connection, nonce=1, address_id=4)
    third.send(join_ack(connection, 1, answer.nonce))

    assert third.expect_option(MpTcpRst).reason == ResetReason.ADMINISTRATIVELY_PROHIBITED
    assert counters(server)["MPJoinRejected"] == 1
    assert len(served.socket.subflows()) == 3


def test_one_address_id_for_two_addresses(served, server, family):
    """The kernel does not mind (section 3.2: an id means one address), until it is removed."""
    lte = served.peer.join(served.connection, LTE[family], address_id=2)
    wifi = served.peer.join(served.connection, WIFI[family], address_id=2)
    assert [each.remote_id for each in served.socket.subflow_details()] == [0, 2, 2]

    served.connection.first.send(RemoveAddr(address_ids=[2]))

    for subflow in (lte, wifi):
        subflow.expect("F")
        served.events.wait(EventKind.SUB_CLOSED, subflow, remote_id=2)
    assert counters(server)["RmAddr"] == 1
    still_works(served)


@pytest.mark.violates("the HMAC of the SYN/ACK is 0000")
def test_a_wrong_hmac_in_the_syn_ack(dialled, client, family):
    """The client's kernel resets the subflow, and open_subflow() says that it was closed."""
    with meanwhile(dialled.socket.open_subflow, LTE[family]) as opened:
        lte = dialled.peer.syn()
        lte.send(MpJoinSynAck(hmac=bytes(8), nonce=1), flags="SA")

        assert lte.expect_option(MpTcpRst).reason == ResetReason.MPTCP_SPECIFIC
    assert isinstance(opened.exception(), SubflowRefused)
    assert opened.exception().errno == errno.ECONNABORTED
    assert counters(client)["MPJoinSynAckHMacFailure"] == 1
    still_works(dialled)


def test_a_syn_ack_without_mp_join(dialled, client, family):
    """A server or a middlebox that drops the option: the subflow is reset, the connection stays."""
    with meanwhile(dialled.socket.open_subflow, LTE[family]) as opened:
        lte = dialled.peer.syn()
        lte.send(flags="SA")

        assert lte.expect_option(MpTcpRst).reason == ResetReason.MPTCP_SPECIFIC
    assert isinstance(opened.exception(), SubflowRefused)
    said = counters(client)
    assert (said["MPJoinSynTx"], said["MPJoinSynAckRx"], said["MPRstTx"]) == (1, 0, 1)
    still_works(dialled)
