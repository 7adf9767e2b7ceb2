"""The scripted peer: right where it is not told otherwise, and clear about what it misses."""

import errno
import json
import socket

import pytest

from lab.environment import counters
from lab.errors import ScenarioFailed, UsageError
from lab.peer import Peer, meanwhile
from lab.verify import Verdict
from lab.wire.mptcp import MpCapableSyn

pytestmark = pytest.mark.topology("two_paths")

LTE = {"ipv4": "10.0.2.1", "ipv6": "fd00:2::1"}

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@both_families
def test_a_peer_in_the_servers_place(dialled, client, server, capture, family):
    """The kernel connects and joins; nothing in it but the peer's packets comes from the server."""
    with meanwhile(dialled.socket.open_subflow, LTE[family]) as opened:
        lte = dialled.peer.accept_join(dialled.connection)
    dialled.connection.send(b"on lte", lte)
    assert dialled.socket.recv(6) == b"on lte"
    dialled.connection.expect_acknowledged(lte)

    assert opened.result() in dialled.socket.subflow_details()
    assert counters(client)["MPJoinSynAckRx"] == 1
    assert not any(counters(server).values()), "its kernel has seen MPTCP"
    report = capture.verify()
    assert report.verdict is Verdict.VERIFIED, str(report)
    assert report.connections[0].checked["HMACs of joins"] == 2


@both_families
def test_a_peer_in_the_clients_place(served, client, server, capture, family):
    """The peer connects and joins, and the server's kernel takes it for a client."""
    lte = served.peer.join(served.connection, LTE[family], address_id=2, backup=True)
    served.connection.send(b"on lte", lte)
    assert served.socket.recv(6) == b"on lte"
    served.connection.expect_acknowledged(lte)

    joined = served.socket.subflow_details()[1]
    assert (joined.remote, joined.remote_id, joined.remote_backup) == (lte.local, 2, True)
    assert counters(server)["MPJoinAckRx"] == 1
    assert not any(counters(client).values()), "its kernel has seen MPTCP"
    report = capture.verify()
    assert report.verdict is Verdict.VERIFIED, str(report)


@both_families
def test_checksums_of_a_peer(dialled, client, capture, family):
    """A peer that asks for checksums computes them as the kernel does."""
    with client.stack():
        sock = socket.socket(dialled.socket.family, socket.SOCK_STREAM, socket.IPPROTO_MPTCP)
    sock.settimeout(5)
    with sock, meanwhile(sock.connect, dialled.connection.first.local):
        connection = dialled.peer.accept(flags="HA")
        for data in (b"even", b"odd"):
            connection.send(data)
            assert sock.recv(5) == data
        sock.sendall(b"answer")
        connection.expect(b"answer")

        assert connection.checksums
        report = capture.verify()
        assert report.verdict is Verdict.VERIFIED, str(report)
        assert report.connections[1].checked["DSS checksums"] == 3
        assert counters(client)["DataCsumErr"] == 0


def test_a_lost_syn_is_sent_again(net, served, server, capture):
    """A peer that is told to sends its SYN again, with the same numbers, until it is answered."""
    remote = served.connection.first.remote
    net.node("gw").run("ip", "route", "add", "blackhole", remote.host)
    with meanwhile(served.peer.connect, remote, again=0.05) as connecting:
        capture.until("client", lambda seen: len(syns(seen)) >= 3)
        net.node("gw").run("ip", "route", "del", "blackhole", remote.host)

        first = connecting.result(5).first
    assert {syn.seq for syn in syns(capture.at("client"))[1:]} == {first.isn}
    arrived = syns(capture.at("server").arrived())
    assert arrived[1].source == first.local
    assert counters(server)["MPCapableSYNRX"] >= 2


def syns(seen):
    """The SYNs that open a connection."""
    return [segment for segment in seen if segment.syn and not segment.ack]


def test_a_port_at_which_the_kernel_is_silent(client, server, capture, result):
    """What comes to the peer's port has no answer but the peer's; others are refused as ever."""
    with Peer(server, result) as peer, client.stack(), socket.socket() as sock:
        at = peer.listen()
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.connect(at)
        with socket.socket() as other:
            assert other.connect_ex((at.host, at.port ^ 1)) == errno.ECONNREFUSED

        assert peer.syn().remote == sock.getsockname()
    sent = capture.at("server").sent()
    assert [segment.source.port for segment in sent] == [at.port ^ 1]
    with client.stack(), socket.socket() as late:
        assert late.connect_ex(at) == errno.ECONNREFUSED, "the port is still taken"


def test_a_syn_that_is_sent_again_is_no_other(client, server, result):
    """Of two SYNs from one port the second is a repetition; here another peer is the caller."""
    with Peer(server, result) as peer, Peer(client, result) as caller:
        at = peer.listen()
        one, other = caller.dial(at), caller.dial(at)
        one.send(flags="S")
        one.repeat()
        other.send(flags="S")

        assert [peer.syn().remote, peer.syn().remote] == [one.local, other.local]


def test_what_a_peer_misses_is_said(dialled, result):
    """An error names the peer, what it expected, and what it heard instead; so do the records."""
    with pytest.raises(ScenarioFailed) as missed:
        dialled.connection.first.expect("R", timeout=0.01)
    with pytest.raises(ScenarioFailed, match=r"expected the data b'more' within 0.01 s, not b''"):
        dialled.connection.expect(b"more", timeout=0.01)

    assert "the peer at server, 10.0.9.2:" in str(missed.value)
    assert (
        "expected a segment with RST within 0.01 s; it heard: SYN MpCapable; ACK MpCapable; "
        in (str(missed.value))
    )
    lines = (result.directory / "records.jsonl").read_text("utf-8").splitlines()
    steps = [step for step in map(json.loads, lines) if step["kind"] == "peer"]
    assert [(step["what"], step["segment"]) for step in steps[:4]] == [
        ("heard", "SYN MpCapable"), ("sent", "SYN|ACK MpCapable"), ("heard", "ACK MpCapable"),
        ("sent", "PSH|ACK 5 bytes Dss"),
    ]  # fmt: skip


def test_places_that_a_peer_cannot_have(net, server, result):
    """A port that is taken, an address that is not the host's, no port at all: each is said."""
    with Peer(server, result) as peer:
        with pytest.raises(UsageError, match="listens nowhere: call listen"):
            peer.syn()
        at = peer.listen()
        with pytest.raises(UsageError, match=r"at 10.0.9.2:\d+ of server: Address already in use"):
            peer.listen(port=at.port)
        with pytest.raises(UsageError, match=r"10\.0\.1\.1:7000 of server: Cannot assign"):
            peer.listen("10.0.1.1", 7000)
        with pytest.raises(ScenarioFailed, match=r"expected a SYN to .* within 0.01 s; none came"):
            peer.syn(timeout=0.01)
        with pytest.raises(UsageError, match=r"dials \(address, port\), not \('client', 7000\)"):
            peer.dial(("client", 7000))
        net.set_link("core", up=False)
        with pytest.raises(UsageError, match=r"server cannot send 60 bytes from .*: No route to"):
            peer.dial(("10.0.1.1", 7000)).send(MpCapableSyn(), payload=bytes(12), flags="S")
