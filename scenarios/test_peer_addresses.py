"""Addresses that a scripted peer announces and withdraws (RFC 8684, section 3.4)."""

import pytest

from lab.environment import counters
from lab.wire.mptcp import AddAddr, AddAddr4, RemoveAddr
from mptcpapi import EventKind

pytestmark = pytest.mark.topology("two_paths")

LTE = {"ipv4": "10.0.2.1", "ipv6": "fd00:2::1"}

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@both_families
@pytest.mark.parametrize("port", [None, 7000], ids=["without-port", "with-port"])
def test_an_announced_address_is_echoed_and_joined(served, server, family, port):
    """The kernel joins at the announced port, or at that of the subflow if none was announced."""
    connection, first = served.connection, served.connection.first
    at = served.peer.listen(LTE[family], port or first.local.port)
    first.send(connection.add_addr(3, LTE[family], port))

    echo = first.expect_option(AddAddr)
    assert (echo.echo, echo.address_id, echo.address, echo.port) == (1, 3, LTE[family], port)
    lte = served.peer.accept_join(connection, address_id=3)
    assert lte.local == at
    assert served.events.wait(EventKind.ANNOUNCED, remote_id=3).remote == at
    served.events.wait(EventKind.SUB_ESTABLISHED, remote_id=3)
    said = counters(server)
    assert (said["AddAddr"], said["PortAdd"], said["EchoAddTx"]) == (1, int(bool(port)), 1)


@both_families
@pytest.mark.violates("the HMAC of ADD_ADDR is 0000000000000000")
def test_an_announcement_with_a_wrong_hmac(served, server, family):
    """It is ignored, and no counter tells of it; the next one, with the right HMAC, is not."""
    connection, first = served.connection, served.connection.first
    served.peer.listen(LTE[family], first.local.port)
    wrong = connection.add_addr(3, LTE[family])
    wrong.hmac = bytes(8)
    first.send(wrong)
    first.send(connection.add_addr(4, LTE[family]))

    assert first.expect_option(AddAddr).address_id == 4
    served.peer.accept_join(connection, address_id=4)
    assert served.events.wait(EventKind.ANNOUNCED).remote_id == 4
    said = counters(server)
    assert (said["AddAddr"], said["AddAddrDrop"], said["MPJoinSynTx"]) == (1, 0, 1)


def test_an_echo_that_nothing_was_announced_for(served, server):
    """The kernel counts it, and does nothing."""
    connection, first = served.connection, served.connection.first
    first.send(AddAddr4(echo=1, address_id=9, address="10.0.9.2"))
    connection.send(b"later")
    assert served.socket.recv(5) == b"later"
    connection.expect_acknowledged()

    said = counters(server)
    assert (said["EchoAdd"], said["AddAddr"]) == (1, 0)
    assert EventKind.ANNOUNCED not in [event.kind for event in served.events.seen()]
    assert not any(segment.rst for segment in first.heard)


def test_an_address_id_that_nobody_knows_is_removed(served, server, capture):
    """The kernel tells of it as of any other (section 3.4.2: to be ignored), and closes nothing."""
    connection, first = served.connection, served.connection.first
    lte = served.peer.join(connection, "10.0.2.1", address_id=2)

    first.send(RemoveAddr(address_ids=[77]))
    served.events.wait(EventKind.REMOVED, remote_id=77)
    connection.send(b"on lte", lte)
    assert served.socket.recv(6) == b"on lte"
    # A second REMOVE_ADDR is lost (RmAddrDrop) while the kernel has not worked off the first.
    capture.until("server", lambda _: counters(server)["RmAddr"] == 1)
    first.send(RemoveAddr(address_ids=[78, 2]))  # the rest of a list counts

    lte.expect("F")
    served.events.wait(EventKind.SUB_CLOSED, remote_id=2)
    assert len(served.socket.subflows()) == 1
    assert counters(server)["RmAddr"] == 3
