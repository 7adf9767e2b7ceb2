"""Data, mappings and acknowledgments of a scripted peer (RFC 8684, sections 3.3 and 3.7)."""

import pytest

import mptcpapi
from lab.environment import counters
from lab.peer import meanwhile, option_of
from lab.wire.mptcp import Dss, MpFail, MpTcpRst, ResetReason
from mptcpapi import EventKind, FallenBack

pytestmark = pytest.mark.topology("two_paths")


@pytest.fixture
def lte(dialled):
    """A second subflow, which the kernel has opened."""
    with meanwhile(dialled.socket.open_subflow, "10.0.2.1"):
        return dialled.peer.accept_join(dialled.connection)


def test_a_hole_is_waited_for(dialled, client):
    """Data behind a hole are neither delivered nor acknowledged until it is filled."""
    connection, first = dialled.connection, dialled.connection.first
    begin = connection.snd_nxt
    first.send(connection.mapping(first, b"later", dsn=begin + 5), payload=b"later", flags="PA")
    held = first.expect_segment(lambda segment: segment.ack == first.snd_nxt, "an ACK of TCP")
    assert option_of(held, Dss).data_ack == begin
    assert counters(client)["OFOQueue"] == 1

    first.send(connection.mapping(first, b"first"), payload=b"first", flags="PA")
    read_all(dialled.socket, b"firstlater")
    connection.snd_nxt += 10
    connection.expect_acknowledged()


def test_data_beyond_the_window(dialled, client):
    """They are dropped, though TCP acknowledges them; the kernel counts it (section 3.3.4)."""
    connection, first = dialled.connection, dialled.connection.first
    far = connection.mapping(first, b"far", dsn=connection.snd_nxt + (1 << 30))
    first.send(far, payload=b"far", flags="PA")
    dropped = first.expect_segment(lambda segment: segment.ack == first.snd_nxt, "an ACK of TCP")

    assert option_of(dropped, Dss).data_ack == connection.snd_nxt
    assert counters(client)["NoDSSInWindow"] == 1
    connection.send(b"near")
    assert dialled.socket.recv(20) == b"near"
    connection.expect_acknowledged()


@pytest.mark.violates("were sent with other octets before")
def test_the_first_copy_wins(dialled, lte, client):
    """What comes again, on another subflow and with other octets, is dropped and counted."""
    connection = dialled.connection
    again = connection.mapping(lte, b"HELLO", dsn=connection.snd_nxt - 5)
    lte.send(again, payload=b"HELLO", flags="PA")
    connection.expect_acknowledged(lte)
    connection.send(b" world", lte)

    assert dialled.socket.recv(20) == b" world"
    assert counters(client)["DuplicateData"] == 1


def test_one_mapping_for_two_segments(dialled):
    """A mapping that arrived with the first segment covers the second one, which has no option."""
    connection, first = dialled.connection, dialled.connection.first
    first.send(connection.mapping(first, b"onetwo"), payload=b"one", flags="PA")
    assert dialled.socket.recv(20) == b"one"
    first.send(payload=b"two", flags="PA")

    assert dialled.socket.recv(20) == b"two"
    connection.snd_nxt += 6
    connection.expect_acknowledged()
    assert dialled.socket.in_use()


def test_numbers_of_32_bits(dialled):
    """Data sequence numbers may come without their upper half; the kernel answers in kind."""
    connection, first = dialled.connection, dialled.connection.first
    half = 1 << 32
    short = Dss(flags="AM", data_ack=connection.rcv_nxt % half, dsn=connection.snd_nxt % half,
                ssn=first.ssn, data_level_length=4)  # fmt: skip
    first.send(short, payload=b"data", flags="PA")
    assert dialled.socket.recv(20) == b"data"
    connection.snd_nxt += 4

    answer = connection.expect_acknowledged()
    assert not option_of(answer, Dss).flags.a
    assert option_of(answer, Dss).data_ack == connection.snd_nxt % half


@pytest.mark.violates("the mapping of octet 9 was changed")
def test_a_mapping_that_is_changed(dialled, client):
    """On the only subflow the kernel falls back to TCP, and gives the octets in TCP's order."""
    connection, first = dialled.connection, dialled.connection.first
    first.send(connection.mapping(first, b"onetwo"), payload=b"one", flags="PA")
    changed = connection.mapping(first, b"two", dsn=connection.snd_nxt + 100)
    first.send(changed, payload=b"two", flags="PA")

    read_all(dialled.socket, b"onetwo")
    first.expect_segment(lambda segment: not segment.mptcp, "a segment without MPTCP")
    assert not dialled.socket.in_use()
    said = counters(client)
    assert (said["DSSNotMatching"], said["DssFallback"]) == (1, 1)


def read_all(sock, data):
    """Read these octets, in however many pieces they come."""
    got = b""
    while len(got) < len(data):
        got += sock.recv(len(data))
    assert got == data


@pytest.mark.violates("the data acknowledgment went back", "is of data that no mapping has")
def test_acknowledgments_of_the_past_and_the_future(dialled):
    """An old data acknowledgment and one of data never sent are ignored (section 3.3.2)."""
    connection, first = dialled.connection, dialled.connection.first
    dialled.socket.sendall(b"one")
    first.expect("P")
    sent = mptcpapi.mptcp_info(dialled.socket).write_seq
    for wrong in (connection.rcv_nxt - 5, connection.rcv_nxt + 1000):
        first.send(connection.acknowledgment(wrong))
    connection.send(b"later")  # whoever reads it has seen the others
    assert dialled.socket.recv(20) == b"later"

    assert mptcpapi.mptcp_info(dialled.socket).snd_una == connection.rcv_nxt == sent - 3
    connection.rcv_nxt += 3
    connection.send(b"now")
    assert dialled.socket.recv(20) == b"now"
    assert mptcpapi.mptcp_info(dialled.socket).snd_una == sent


def test_what_only_tcp_acknowledges_is_sent_again(dialled, client):
    """The kernel keeps data until DATA_ACK, and sends them again with the same number."""
    connection, first = dialled.connection, dialled.connection.first
    dialled.socket.sendall(b"data")
    before = option_of(first.expect("P"), Dss)
    first.send(connection.acknowledgment())

    after = option_of(first.expect("P"), Dss)
    assert (before.dsn, before.ssn + 4) == (after.dsn, after.ssn)
    assert counters(client)["MPTCPRetrans"] >= 1
    assert mptcpapi.mptcp_info(dialled.socket).bytes_retrans >= 4


def test_data_on_a_backup_subflow_alone(dialled, client, capture):
    """The kernel takes them, and answers on the other subflow, which is no backup."""
    connection = dialled.connection
    with meanwhile(dialled.socket.open_subflow, "10.0.2.1", backup=True) as opened:
        lte = dialled.peer.accept_join(connection, backup=True)
    assert opened.result().backup
    connection.send(b"on backup", lte)
    assert dialled.socket.recv(20) == b"on backup"
    connection.expect_acknowledged(lte)
    dialled.socket.sendall(b"answer")

    connection.expect(b"answer")
    assert capture.at("client").sent().on(lte).payload() == 0
    assert counters(client)["MPJoinSynAckBackupRx"] == 1


@pytest.mark.violates("the checksum of the data at +9 is 0x1234")
def test_a_wrong_checksum_on_the_only_subflow(checked, server):
    """MP_FAIL names the data, the application has them, and the connection goes on as TCP."""
    connection, first = checked.connection, checked.connection.first
    connection.send(b"fine")
    wrong = connection.mapping(first, b"wrong", checksum=0x1234)
    first.send(wrong, payload=b"wrong", flags="PA")

    assert first.expect_option(MpFail).dsn == connection.snd_nxt
    endless = connection.mapping(first, b"plain", data_level_length=0, checksum=0)
    first.send(endless, payload=b"plain", flags="PA")
    read_all(checked.socket, b"finewrongplain")
    assert not checked.socket.in_use()
    said = counters(server)
    names = ("DataCsumErr", "MPFailTx", "InfiniteMapRx", "DssFallback")
    assert [said[name] for name in names] == [1, 1, 1, 1]


@pytest.mark.violates("the checksum of the data at +9 is 0x1234")
def test_a_wrong_checksum_on_one_of_two_subflows(checked, server):
    """This subflow is reset with MP_FAIL, and what failed is taken from the other one."""
    connection = checked.connection
    lte = checked.peer.join(connection, "10.0.2.1", address_id=2)
    connection.send(b"fine", lte)
    wrong = connection.mapping(lte, b"again", checksum=0x1234)
    lte.send(wrong, payload=b"again", flags="PA")

    reset = lte.expect("R")
    assert option_of(reset, MpFail).dsn == connection.snd_nxt
    assert option_of(reset, MpTcpRst).reason == ResetReason.MIDDLEBOX_INTERFERENCE
    connection.send(b"again")
    read_all(checked.socket, b"fineagain")
    assert len(checked.socket.subflows()) == 1
    said = counters(server)
    assert [said[name] for name in ("DataCsumErr", "MPFailTx", "DssFallback")] == [1, 1, 0]


@pytest.mark.violates("the checksum of the data at +0 is 0x1234")
def test_a_wrong_checksum_of_the_first_data(checking, server):
    """Nothing was agreed upon yet but in SYNs: the kernel falls back and keeps silent about it."""
    connection, first = checking.connection, checking.connection.first
    wrong = connection.mapping(first, b"wrong", checksum=0x1234)
    first.send(wrong, payload=b"wrong", flags="PA")

    read_all(checking.socket, b"wrong")
    first.expect_segment(lambda segment: not segment.mptcp, "a segment without MPTCP")
    assert not checking.socket.in_use()
    checking.socket.sendall(b"plain")  # a fallback that the verifier sees, and looks behind
    first.expect_segment(lambda segment: segment.data == b"plain", "data without MPTCP")
    said = counters(server)
    assert [said[name] for name in ("DataCsumErr", "MPFailTx", "DssFallback")] == [1, 0, 1]


@pytest.mark.violates("has a checksum, but none was agreed upon")
def test_a_checksum_that_was_not_agreed_upon(dialled, client):
    """The kernel falls back to TCP and delivers (section 3.3.1: the subflow must be reset)."""
    connection, first = dialled.connection, dialled.connection.first
    unasked = connection.mapping(first, b"data")
    connection.checksums = True
    unasked.checksum = connection.mapping(first, b"data").checksum
    first.send(unasked, payload=b"data", flags="PA")

    read_all(dialled.socket, b"data")
    with pytest.raises(FallenBack):
        dialled.socket.subflows()
    answer = first.expect_segment(lambda segment: segment.ack == first.snd_nxt, "an ACK")
    assert not answer.rst
    assert not answer.mptcp
    assert counters(client)["DssFallback"] == 1


def test_mp_fail_is_answered(dialled, client):
    """On the only subflow the kernel answers in kind, and its next mapping has no end."""
    connection, first = dialled.connection, dialled.connection.first
    dialled.socket.sendall(b"before")
    first.expect("P")
    first.send(MpFail(dsn=connection.rcv_nxt), connection.acknowledgment())
    assert first.expect_option(MpFail).dsn == connection.snd_nxt - 5
    dialled.socket.sendall(b"after")

    last = option_of(first.expect("P"), Dss)
    assert (last.data_level_length, last.dsn) == (0, connection.rcv_nxt + len(b"before"))
    assert not dialled.socket.in_use()
    said = counters(client)
    assert [said[name] for name in ("MPFailRx", "MPFailTx", "InfiniteMapTx")] == [1, 1, 1]


def test_mp_fail_on_one_of_two_subflows(dialled, lte, client):
    """The kernel counts it and keeps the subflow: to reset it is up to who found the failure."""
    connection = dialled.connection
    lte.send(MpFail(dsn=connection.rcv_nxt - 5), connection.acknowledgment())
    connection.send(b"on lte", lte)

    assert dialled.socket.recv(20) == b"on lte"
    connection.expect_acknowledged(lte)
    said = counters(client)
    assert [said[name] for name in ("MPFailRx", "MPFailTx", "InfiniteMapTx")] == [1, 0, 0]
    assert len(dialled.socket.subflows()) == 2


@pytest.mark.violates("no mapping covers octet 1")
def test_data_without_a_mapping_on_a_join(dialled, lte, client):
    """The subflow is reset, as if a middlebox had taken the options; nothing is delivered."""
    lte.send(payload=b"plain", flags="PA")

    assert lte.expect_option(MpTcpRst).reason == ResetReason.MIDDLEBOX_INTERFERENCE
    dialled.connection.send(b"mapped")
    assert dialled.socket.recv(20) == b"mapped"
    assert len(dialled.socket.subflows()) == 1
    assert counters(client)["MPRstTx"] == 1
    assert EventKind.CLOSED not in [event.kind for event in dialled.events.seen()]
