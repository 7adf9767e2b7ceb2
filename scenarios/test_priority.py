"""Changing a subflow's priority while data flows (RFC 8684, section 3.3.8)."""

import pytest

from lab.wire.mptcp import MpPrio
from mptcpapi import EventKind

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@both_families
@pytest.mark.parametrize(
    "sender",
    [
        pytest.param("client", marks=pytest.mark.flow(sender="client")),
        pytest.param("server", marks=pytest.mark.flow(sender="server")),
    ],
)
def test_a_backup_subflow_falls_silent(flow, capture, sender):
    """A subflow marked backup is announced with MP_PRIO, then carries no more data."""
    receiver = {"client": "server", "server": "client"}[sender]
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("300 kB")

    changed = flow.connection.set_backup(lte, True)
    flow.wait_delivered_more("1 MB")

    assert changed.backup
    flow.events["server"].wait(EventKind.SUB_PRIORITY, lte, backup=True)
    segment, prio = capture.at("server").arrived().only(MpPrio)
    assert prio.backup
    assert segment.source == lte.local
    arrived = capture.at(receiver).arrived()
    assert arrived.on(lte).before(segment.time).payload() > 10_000
    silence = arrived.on(lte).with_payload().end
    assert arrived.on(flow.first).after(silence).payload() > 300_000


@both_families
def test_a_backup_subflow_can_be_normal_again(flow, capture):
    """MP_PRIO without the backup bit brings a subflow back into use."""
    lte = flow.open_subflow("lte", backup=True)
    flow.wait_delivered_more("300 kB")

    changed = flow.connection.set_backup(lte, False)
    flow.wait_delivered_more("500 kB")

    assert not changed.backup
    flow.events["server"].wait(EventKind.SUB_PRIORITY, lte, backup=False)
    arrived = capture.at("server").arrived()
    segment, prio = arrived.only(MpPrio)
    assert not prio.backup
    assert segment.source == lte.local
    assert arrived.on(lte).before(segment.time).payload() == 0
    assert arrived.on(lte).after(segment.time).payload() > 50_000


@both_families
def test_the_initial_subflow_becomes_backup(flow, capture):
    """The first subflow has no MP_JOIN; MP_PRIO alone moves its data to the second."""
    first = flow.first
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("300 kB")

    flow.connection.set_backup(first, True)
    flow.wait_delivered_more("500 kB")

    flow.events["server"].wait(EventKind.SUB_PRIORITY, first, backup=True)
    arrived = capture.at("server").arrived()
    segment, prio = arrived.only(MpPrio)
    assert prio.backup
    assert segment.source == first.local
    silence = arrived.on(first).with_payload().end
    assert arrived.on(lte).after(silence).payload() > 100_000
