"""Streams of events: begun late, and at the end of a connection."""

import socket
import struct

import pytest

import mptcpapi
from lab.errors import UsageError
from lab.wire.mptcp import MpFastclose
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
    abort(flow.connection)

    end = flow.events["client"].wait(EventKind.CLOSED)
    told = [event for event in flow.events["client"].seen() if event.token == end.token]
    closed = [event for event in told if event.kind is EventKind.SUB_CLOSED]
    assert {event.local for event in closed} == {each.local for each in subflows}
    assert told[-1] == end
    seen = capture.at("server")
    assert all(any(segment.fin or segment.rst for segment in seen.on(each)) for each in subflows)


@both_families
def test_the_peer_resets_the_connection(flow, client, capture):
    """The kernel says nothing of it; a stream tells the end of each subflow, and one CLOSED."""
    first = flow.first
    with client.stack(), EventStream.of_namespace() as everything:
        lte = flow.open_subflow("lte")
        with EventStream.of_connection(flow.connection) as events:
            flow.finish()
            abort(flow.accepted)
            told = until(events, EventKind.CLOSED)
            all_told = until(everything, EventKind.CLOSED)
            flow.events["client"].wait(EventKind.CLOSED, inferred=True)
            flow.connection.close()
            mptcpapi.create_server(("localhost", 0)).close()
            later = until(everything, EventKind.LISTENER_CLOSED)

    assert [(event.kind, event.local) for event in told] == [
        (EventKind.SUB_CLOSED, first.local),
        (EventKind.SUB_CLOSED, lte.local),
        (EventKind.CLOSED, None),
    ]
    assert all(event.inferred for event in told)
    assert [(event.kind, event.local) for event in all_told[-2:]] == [
        (EventKind.SUB_CLOSED, lte.local),  # which it saw begin
        (EventKind.CLOSED, None),
    ]
    assert [event.token for event in later] == [None, None]
    subflows = (first, lte)
    seen = capture.until("client", lambda seen: all(resets(seen, each) for each in subflows))
    assert seen.arrived().all(MpFastclose)


def resets(seen, subflow):
    """The segments with RST that arrived on the subflow."""
    return [segment for segment in seen.arrived().on(subflow) if segment.rst]


def abort(sock):
    """Close it with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def until(stream, kind):
    """The events up to the first of this kind, which must come."""
    told = []
    for event in stream.within(10):
        told.append(event)
        if event.kind is kind:
            return told
    raise AssertionError(f"no {kind.name} came, but {told}")


def test_an_event_that_cannot_come_is_not_waited_for(flow):
    """What is no kind of event, or no field of one, is said at once."""
    log = flow.events["client"]

    with pytest.raises(UsageError, match=r"no field 'bakcup' \(did you mean 'backup'"):
        log.wait(EventKind.SUB_PRIORITY, bakcup=True)
    with pytest.raises(UsageError, match="'SUB_PRIORITY': expected an EventKind"):
        log.wait("SUB_PRIORITY")
