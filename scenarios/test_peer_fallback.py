"""Peers for which a kernel falls back to TCP (RFC 8684, sections 3.1 and 3.7)."""

import socket

import pytest

import mptcpapi
from lab.environment import counters
from lab.peer import Peer, meanwhile
from lab.wire.mptcp import MpCapableAck, MpCapableSyn, MpCapableSynAck
from mptcpapi import FallenBack

pytestmark = pytest.mark.topology("two_paths")

SERVER = ("10.0.9.2", 5001)


@pytest.fixture
def listener(server, capture):
    """The server's kernel listens."""
    with server.stack(), mptcpapi.create_server(SERVER) as sock:
        sock.settimeout(5)
        yield sock


@pytest.fixture
def calling(client, result):
    """A peer in the client's place."""
    with Peer(client, result) as peer:
        yield peer


@pytest.fixture
def answering(server, capture, result):
    """A peer in the server's place that listens."""
    with Peer(server, result) as peer:
        peer.listen(port=5001)
        yield peer


@pytest.fixture
def sock(client):
    """A socket of the client, not yet connected."""
    with client.stack():
        sock = mptcpapi.Socket(socket.AF_INET)
    sock.settimeout(5)
    with sock:
        yield sock


def is_tcp(sock, subflow):
    """The kernel's socket speaks plain TCP with the peer, and says so."""
    subflow.send(payload=b"plain", flags="PA")
    assert sock.recv(20) == b"plain"
    sock.sendall(b"answer")
    assert not subflow.expect("P").mptcp
    with pytest.raises(FallenBack):
        sock.subflows()


def case(name, *options, violates=()):
    """The options of a SYN or a SYN/ACK, and what the verifier says to them."""
    return pytest.param(options, id=name, marks=[pytest.mark.violates(each) for each in violates])


FLAG_B = ["MP_CAPABLE has the flags B"]
NO_ALGORITHM = ["MP_CAPABLE names no known algorithm"]

SYNS = [
    case("version-0", MpCapableSynAck(version=0, sender_key=7)),
    case("version-0-without-key", MpCapableSyn(version=0),
         violates=["MP_CAPABLE of version 0 has the form MpCapableSyn"]),
    case("flag-B", MpCapableSyn(flags="HB"), violates=FLAG_B),
    case("no-algorithm", MpCapableSyn(flags=""), violates=NO_ALGORITHM),
]  # fmt: skip


@pytest.mark.parametrize("options", SYNS)
def test_a_syn_that_the_kernel_does_not_speak(listener, calling, server, options):
    """It is answered as a SYN without MP_CAPABLE, and no counter tells of it."""
    first = calling.dial(SERVER)
    first.send(*options, flags="S")
    assert not first.expect("SA").mptcp
    first.send()

    accepted, _ = listener.accept()
    with accepted:
        is_tcp(accepted, first)
    assert not any(counters(server).values())


def test_a_syn_of_a_later_version(listener, calling, server):
    """The kernel offers its own version, as section 3.1 wants; the peer goes on without MPTCP."""
    first = calling.dial(SERVER)
    first.send(MpCapableSyn(version=2), flags="S")
    assert first.expect_option(MpCapableSynAck).version == 1
    first.send()

    accepted, _ = listener.accept()
    with accepted:
        is_tcp(accepted, first)
    assert counters(server)["MPCapableFallbackACK"] == 1


SYN_ACKS = [
    case("without-option"),
    case("version-0", MpCapableSynAck(version=0, sender_key=7)),
    case("version-2", MpCapableSynAck(version=2, sender_key=7),
         violates=["MP_CAPABLE has version 1, agreed is 2"]),
    case("flag-B", MpCapableSynAck(flags="HB", sender_key=7), violates=FLAG_B),
    case("no-algorithm", MpCapableSynAck(flags="", sender_key=7), violates=NO_ALGORITHM),
]  # fmt: skip


@pytest.mark.parametrize("options", SYN_ACKS)
def test_a_syn_ack_that_the_kernel_does_not_speak(answering, sock, client, options):
    """The client's kernel goes on in TCP, and counts it."""
    with meanwhile(sock.connect, SERVER):
        first = answering.syn()
        first.send(*options, flags="SA")
        assert not first.expect("A").mptcp

    is_tcp(sock, first)
    assert counters(client)["MPCapableFallbackSYNACK"] == 1


def test_a_third_packet_without_mp_capable(listener, calling, server):
    """A middlebox that drops the option from the third packet only: the server falls back."""
    first = calling.dial(SERVER)
    first.send(MpCapableSyn(), flags="S")
    first.expect_option(MpCapableSynAck)
    first.send()

    accepted, _ = listener.accept()
    with accepted:
        is_tcp(accepted, first)
    said = counters(server)
    assert (said["MPCapableSYNRX"], said["MPCapableACKRX"], said["MPCapableFallbackACK"]) == (
        1,
        0,
        1,
    )


@pytest.mark.violates("MP_CAPABLE has the receiver key")
def test_a_third_packet_with_a_wrong_echo(listener, calling, server):
    """The kernel does not compare the key that comes back to it, and speaks MPTCP."""
    first = calling.dial(SERVER)
    first.send(MpCapableSyn(), flags="S")
    theirs = first.expect_option(MpCapableSynAck).sender_key
    first.send(MpCapableAck(sender_key=9, receiver_key=theirs ^ 1))

    accepted, _ = listener.accept()
    with accepted:
        assert accepted.in_use()
    assert counters(server)["MPCapableACKRX"] == 1


def test_first_data_without_a_mapping_to_a_server(listener, calling, server):
    """The handshake was whole, the data have no option: the server's kernel falls back."""
    connection = calling.connect(SERVER)
    accepted, _ = listener.accept()
    with accepted:
        assert accepted.in_use()
        is_tcp(accepted, connection.first)
    assert counters(server)["DssFallback"] == 1


def test_first_data_without_a_mapping_to_a_client(answering, sock, client):
    """The same the other way; another counter."""
    with meanwhile(sock.connect, SERVER):
        connection = answering.accept()
    assert sock.in_use()

    is_tcp(sock, connection.first)
    assert counters(client)["MPCapableDataFallback"] == 1


@pytest.mark.violates("no mapping covers octet 6")
def test_first_data_acknowledged_without_mptcp(answering, sock, client, capture):
    """The kernel falls back without a last mapping, which section 3.7 wants: its data lack one."""
    with meanwhile(sock.connect, SERVER):
        first = answering.accept().first
    sock.sendall(b"first")
    first.expect("P")
    first.send()
    capture.until("client", lambda _: not sock.in_use())
    sock.sendall(b"after")

    assert not first.expect("P").mptcp
    assert counters(client)["MPCapableDataFallback"] == 1


@pytest.mark.violates("no mapping covers octet 6")
def test_a_mapping_without_an_end(dialled, client):
    """The peer leaves MPTCP by an infinite mapping; the kernel follows it."""
    connection, first = dialled.connection, dialled.connection.first
    endless = connection.mapping(first, b"last", data_level_length=0)
    first.send(endless, payload=b"last", flags="PA")
    assert dialled.socket.recv(20) == b"last"

    is_tcp(dialled.socket, first)
    said = counters(client)
    assert (said["InfiniteMapRx"], said["DssFallback"]) == (1, 1)


@pytest.mark.violates("no mapping covers octet 12", "no mapping covers octet 6")  # both hosts
def test_data_without_a_mapping_later(dialled, client):
    """On the only subflow, also long after the handshake, the kernel falls back."""
    dialled.connection.send(b"mapped")
    assert dialled.socket.recv(20) == b"mapped"

    is_tcp(dialled.socket, dialled.connection.first)
    assert counters(client)["DssFallback"] == 1
