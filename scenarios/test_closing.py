"""Closing a subflow while data flows (RFC 8684, sections 3.3.3 and 3.6)."""

import pytest

from lab.wire.mptcp import Subtype
from mptcpapi import EventKind, NoSuchSubflow

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@both_families
def test_a_closed_subflow_ends_with_fin(flow, capture):
    """The sender closes the second subflow: FIN both ways, and the data goes on over the first."""
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("300 kB")

    flow.connection.close_subflow(lte)
    flow.wait_delivered_more("400 kB")

    assert [subflow.id for subflow in flow.connection.subflows()] == [1]
    flow.events["client"].wait(EventKind.SUB_CLOSED, lte)
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
    seen = capture.at("server")
    assert [s.source for s in seen.on(lte) if s.fin] == [lte.local, lte.remote]
    assert not any(segment.rst for segment in seen.on(lte))
    assert seen.arrived().on(lte).payload() > 10_000
    assert seen.arrived().on(flow.first).after(seen.on(lte).end).payload() > 50_000


@both_families
def test_the_initial_subflow_can_be_closed(flow, capture):
    """The connection outlives its first subflow and goes on over the second."""
    first = flow.first
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("300 kB")

    flow.connection.close_subflow(first)
    flow.wait_delivered_more("300 kB")

    assert [subflow.id for subflow in flow.connection.subflows()] == [lte.id]
    flow.events["server"].wait(EventKind.SUB_CLOSED, first)
    seen = capture.at("server")
    assert [s.source for s in seen.on(first) if s.fin] == [first.local, first.remote]
    assert seen.arrived().on(lte).after(seen.on(first).end).payload() > 50_000


@pytest.mark.flow(sender="server")
def test_closing_where_data_arrives_resets(flow, capture):
    """The receiver closes a subflow that is being sent on: RST with MP_TCPRST, and nothing lost."""
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("300 kB")

    flow.connection.close_subflow(lte)
    flow.wait_delivered_more("300 kB")

    assert [subflow.id for subflow in flow.connection.subflows()] == [1]
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
    seen = capture.at("client")
    resets = [segment for segment in seen.sent().on(lte) if segment.rst]
    assert [option.subtype for option in resets[0].mptcp] == [Subtype.MP_TCPRST]
    assert seen.arrived().on(flow.first).after(resets[0].time).payload() > 50_000


def test_an_id_is_never_used_again(flow, capture):
    """A subflow that is opened again from the same address has a new id; the old id is unknown."""
    flow.wait_delivered("100 kB")
    one = flow.open_subflow("lte")
    flow.connection.close_subflow(one)

    with pytest.raises(NoSuchSubflow, match=str(one.id)):
        flow.connection.close_subflow(one.id)
    other = flow.open_subflow("lte")
    flow.wait_delivered_more("300 kB")

    assert other.id > one.id
    seen = capture.at("server")
    assert [join.initiator for join in seen.joins()] == [one.local, other.local]
    assert seen.arrived().on(other).payload() > 10_000
