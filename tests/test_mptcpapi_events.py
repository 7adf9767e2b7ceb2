"""The stream of events, on a netlink socket that says what the test wants."""

import os
import socket
from collections import deque
from collections.abc import Iterator
from errno import EBADF, ENOBUFS

import pytest
from kernel_answers import message

import mptcpapi
from mptcpapi import (
    Endpoint,
    EventKind,
    EventsLost,
    EventStream,
    NoPrivilege,
    SocketClosed,
    TcpState,
    Unavailable,
    Unsupported,
)
from mptcpapi.info import FullInfo, Subflow
from mptcpapi.netlink import Netlink
from mptcpapi.nlmsg import Message

V4, OTHER = 0x8591EE50, 0x40EF825D


class Script(Netlink):
    """Gives what it was told to give, then nothing."""

    def __init__(self, *given: list[Message] | OSError) -> None:
        self._given = deque(given)

    def close(self) -> None:
        self._given.clear()

    def receive(self, timeout: float) -> list[Message]:
        if not self._given:
            return []
        step = self._given.popleft()
        if isinstance(step, OSError):
            raise step
        return step


def real_stream() -> EventStream:
    """The events of this namespace, or a skip."""
    try:
        mptcpapi.Socket().close()
        return EventStream.of_namespace()
    except (NoPrivilege, Unavailable, Unsupported) as reason:
        pytest.skip(str(reason))


def kinds(stream: EventStream) -> Iterator[str]:
    while (event := stream.next(0)) is not None:
        yield event.kind.name


def test_events_come_in_their_order() -> None:
    stream = EventStream(Script([message("sub_established_v4"), message("closed")]))

    assert list(kinds(stream)) == ["SUB_ESTABLISHED", "SUB_CLOSED", "CLOSED"]


def test_only_those_of_the_connection() -> None:
    script = Script(
        [message("created_v6")],
        [message("sub_established_v4")],
        [message("listener_created")],
        [message("closed")],
    )

    with EventStream(script, V4) as stream:
        found = [stream.next(3600), stream.next(3600), stream.next(3600)]

    assert [event and (event.kind, event.token) for event in found] == [
        (EventKind.SUB_ESTABLISHED, V4),
        (EventKind.SUB_CLOSED, V4),
        (EventKind.CLOSED, V4),
    ]


def test_none_when_the_time_has_passed() -> None:
    assert EventStream(Script()).next(0) is None


def test_an_event_of_another_connection_does_not_end_the_wait() -> None:
    stream = EventStream(Script([message("created_v6")], [message("closed")]), V4)

    assert list(kinds(stream)) == ["CLOSED"]


def test_within_ends_with_the_time() -> None:
    stream = EventStream(Script([message("created_v6")]), OTHER)

    assert [event.kind for event in stream.within(0.01)] == [EventKind.CREATED]


def test_the_stream_goes_on_after_a_loss() -> None:
    stream = EventStream(Script(EventsLost(ENOBUFS, "lost"), [message("closed")]))

    with pytest.raises(EventsLost):
        stream.next(3600)
    assert list(kinds(stream)) == ["CLOSED"]


def test_after_a_loss_nothing_is_taken_for_told_already() -> None:
    """Of a namespace's stream: the same endpoints may be a new subflow's by then."""
    established = [message("sub_established_v4")]
    stream = EventStream(Script(established, EventsLost(ENOBUFS, "lost"), established))

    assert stream.next(0) is not None
    with pytest.raises(EventsLost):
        stream.next(0)
    again = stream.next(0)

    assert again is not None
    assert again.kind is EventKind.SUB_ESTABLISHED


def test_after_a_loss_the_state_of_the_connection_is_told() -> None:
    """What waited when the loss was noticed comes first, then what is inferred."""
    listed = Subflow(2, Endpoint("10.0.2.1", 7), Endpoint("10.0.1.2", 8), TcpState.ESTABLISHED)
    script = Script(EventsLost(ENOBUFS, "lost"), [message("sub_established_v4")])
    stream = EventStream(script, V4, lambda: FullInfo(V4, 1, (listed,), b""))

    with pytest.raises(EventsLost):
        stream.next(3600)

    found = [stream.next(0) for _ in range(4)]
    assert [event and (event.kind.name, event.inferred) for event in found] == [
        ("SUB_ESTABLISHED", False),
        ("SUB_CLOSED", True),
        ("SUB_ESTABLISHED", True),
        None,
    ]
    assert found[2] is not None
    assert found[2].local == listed.local


def test_the_state_of_another_connection_is_not_told() -> None:
    script = Script(EventsLost(ENOBUFS, "lost"))
    listed = Subflow(2, Endpoint("10.0.2.1", 7), Endpoint("10.0.1.2", 8), TcpState.ESTABLISHED)
    stream = EventStream(script, V4, lambda: FullInfo(OTHER, 1, (listed,), b""))

    with pytest.raises(EventsLost):
        stream.next(3600)
    assert stream.next(0) is None


def test_a_real_stream_says_when_events_were_lost() -> None:
    with real_stream() as stream:
        with socket.socket(fileno=os.dup(stream.fileno())) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel makes it the least
        with mptcpapi.create_server(("127.0.0.1", 0)) as listener:
            for _ in range(20):
                mptcpapi.create_connection(listener.getsockname()).close()

        with pytest.raises(EventsLost) as loss:
            list(stream.within(0))
        assert loss.value.errno == ENOBUFS
        assert list(stream.within(0)), "what came before the loss can still be read"


def test_a_real_stream_is_silent_and_can_be_closed() -> None:
    with real_stream() as stream:
        assert stream.fileno() >= 0
        assert all(event.received > 0 for event in stream.within(0))

    with pytest.raises(SocketClosed) as refusal:
        stream.next(0)
    assert refusal.value.errno == EBADF
