"""Streams of events: begun late, and at the end of a connection."""

import socket
import struct

import pytest

from mptcpapi import EventKind, EventStream

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@both_families
def test_a_late_listener_is_told_what_is_there(flow, capture):
    """A seeded stream tells of both subflows at once, then what happens; each only once."""
    first = flow.first
    lte = flow.open_subflow("lte")
    with EventStream.of_connection(flow.connection, seed=True) as events:
        flow.connection.close_subflow(lte)
        told = list(events.within(0))

    assert [(event.kind, event.local, event.inferred) for event in told] == [
        (EventKind.ESTABLISHED, first.local, True),
        (EventKind.SUB_ESTABLISHED, lte.local, True),
        (EventKind.SUB_CLOSED, lte.local, False),
    ]
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
    assert {each.source for each in capture.at("server").on(lte) if each.fin} >= {lte.local}


@both_families
def test_the_end_of_a_connection_ends_its_subflows(flow, capture):
    """Of an aborted connection the kernel tells one CLOSED; the end of each subflow is inferred."""
    subflows = (flow.first, flow.open_subflow("lte"))
    capture.until("server", lambda seen: seen.arrived().on(subflows[1]).payload() > 10_000)

    flow.finish()
    flow.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    flow.connection.close()

    end = flow.events["client"].wait(EventKind.CLOSED)
    told = [event for event in flow.events["client"].seen() if event.token == end.token]
    closed = [event for event in told if event.kind is EventKind.SUB_CLOSED]
    assert {event.local for event in closed} == {each.local for each in subflows}
    assert told[-1] == end
    seen = capture.at("server")
    assert all(any(segment.fin or segment.rst for segment in seen.on(each)) for each in subflows)
