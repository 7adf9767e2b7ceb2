"""Changing a subflow's priority while data flows (RFC 8684, section 3.3.8)."""

import pytest

import mptcpapi
from lab.wire.mptcp import MpPrio
from mptcpapi import EventKind

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])

both_senders = pytest.mark.parametrize(
    "receiver",
    [
        pytest.param("server", marks=pytest.mark.flow(sender="client")),
        pytest.param("client", marks=pytest.mark.flow(sender="server")),
    ],
)


def carried_alone(busy, silent, amount):
    """Whether, after the last data on one subflow, the other has carried so many bytes."""
    return lambda seen: (
        seen.arrived().on(busy).after(seen.arrived().on(silent).with_payload().end).payload()
        > amount
    )


@both_families
@both_senders
def test_a_backup_subflow_falls_silent(flow, capture, receiver):
    """A subflow marked backup is announced with MP_PRIO, then carries no more data."""
    first = flow.first
    lte = flow.open_subflow("lte")
    capture.until(receiver, lambda seen: seen.arrived().on(lte).payload() > 50_000)

    changed = flow.connection.set_backup(lte, True)

    assert changed.backup
    flow.events["server"].wait(EventKind.SUB_PRIORITY, lte, backup=True)
    capture.until(receiver, carried_alone(first, lte, 500_000))
    segment, prio = capture.at("server").arrived().only(MpPrio)
    assert prio.backup
    assert segment.source == lte.local


@both_families
def test_a_backup_subflow_can_be_normal_again(flow, capture):
    """MP_PRIO without the backup bit brings a subflow back into use."""
    lte = flow.open_subflow("lte", backup=True)
    flow.wait_delivered_more("200 kB")

    changed = flow.connection.set_backup(lte, False)

    assert not changed.backup
    flow.events["server"].wait(EventKind.SUB_PRIORITY, lte, backup=False)
    seen = capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 50_000)
    segment, prio = seen.arrived().only(MpPrio)
    assert not prio.backup
    assert segment.source == lte.local
    assert seen.arrived().on(lte).before(segment.time).payload() == 0


@both_families
def test_the_initial_subflow_becomes_backup(flow, capture):
    """The first subflow has no MP_JOIN; MP_PRIO alone moves its data to the second."""
    first = flow.first
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("100 kB")

    flow.connection.set_backup(first, True)

    flow.events["server"].wait(EventKind.SUB_PRIORITY, first, backup=True)
    seen = capture.until("server", carried_alone(lte, first, 200_000))
    segment, prio = seen.arrived().only(MpPrio)
    assert prio.backup
    assert segment.source == first.local


@both_families
def test_both_hosts_tell_who_asked_for_backup(flow):
    """The details of a subflow show its priority as it is at that moment, at either host."""
    lte = flow.open_subflow("lte")
    told = []
    for backup in (True, False):
        flow.connection.set_backup(lte, backup)
        flow.events["server"].wait(EventKind.SUB_PRIORITY, lte, backup=backup)
        here = next(each for each in flow.connection.subflow_details() if each.id == lte.id)
        accepted = mptcpapi.subflow_details(flow.accepted)
        there = next(each for each in accepted if each.remote == lte.local)
        told += [(here.backup, here.remote_backup), (there.backup, there.remote_backup)]

    assert told == [(True, False), (False, True), (False, False), (False, False)]
