"""The stream of events, on a netlink socket that says what the test wants."""

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
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
    aio,
)
from mptcpapi.deadline import Deadline
from mptcpapi.events import Sources
from mptcpapi.info import FullInfo, Subflow
from mptcpapi.lookup import Lookup
from mptcpapi.netlink import Netlink
from mptcpapi.nlmsg import Message

V4, OTHER = 0x8591EE50, 0x40EF825D


class Script(Netlink):
    """Gives what it was told to give, then nothing."""

    def __init__(self, *given: list[Message] | OSError) -> None:
        self._given = deque(given)

    def close(self) -> None:
        self._given.clear()

    def say(self, messages: list[Message]) -> None:
        self._given.append(messages)

    def receive(self, timeout: float) -> list[Message]:
        if not self._given:
            return []
        step = self._given.popleft()
        if isinstance(step, OSError):
            raise step
        return step


class Register(Lookup):
    """Knows which connections have ended, and of which nothing is left."""

    def __init__(self, **ended: bool) -> None:
        self.now = {int(token, 16): is_forgotten for token, is_forgotten in ended.items()}
        self.asked: list[int] = []

    def close(self) -> None:
        self.now.clear()

    def ended(self, tokens: Iterable[int]) -> dict[int, bool]:
        self.asked += tokens
        return {token: self.now[token] for token in tokens if token in self.now}


def stream_of(
    *given: list[Message] | OSError,
    token: int | None = None,
    state: Callable[[], FullInfo] | None = None,
    register: Register | None = None,
) -> EventStream:
    """A stream to which the kernel says this, then nothing."""
    return EventStream(Sources(Script(*given), register or Register()), token, state)


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
    stream = stream_of([message("sub_established_v4"), message("closed")])

    assert list(kinds(stream)) == ["SUB_ESTABLISHED", "SUB_CLOSED", "CLOSED"]


def test_only_those_of_the_connection() -> None:
    given = ("created_v6", "sub_established_v4", "listener_created", "closed")

    with stream_of(*([message(name)] for name in given), token=V4) as stream:
        found = [stream.next(3600), stream.next(3600), stream.next(3600)]

    assert [event and (event.kind, event.token) for event in found] == [
        (EventKind.SUB_ESTABLISHED, V4),
        (EventKind.SUB_CLOSED, V4),
        (EventKind.CLOSED, V4),
    ]


def test_none_when_the_time_has_passed() -> None:
    assert stream_of().next(0) is None


def test_an_event_of_another_connection_does_not_end_the_wait() -> None:
    stream = stream_of([message("created_v6")], [message("closed")], token=V4)

    assert list(kinds(stream)) == ["CLOSED"]


def test_within_ends_with_the_time() -> None:
    stream = stream_of([message("created_v6")], token=OTHER)

    assert [event.kind for event in stream.within(0.01)] == [EventKind.CREATED]


def test_the_stream_goes_on_after_a_loss() -> None:
    stream = stream_of(EventsLost(ENOBUFS, "lost"), [message("closed")])

    with pytest.raises(EventsLost):
        stream.next(3600)
    assert list(kinds(stream)) == ["CLOSED"]


def test_after_a_loss_nothing_is_taken_for_told_already() -> None:
    """Of a namespace's stream: the same endpoints may be a new subflow's by then."""
    established = [message("sub_established_v4")]
    stream = stream_of(established, EventsLost(ENOBUFS, "lost"), established)

    assert stream.next(0) is not None
    with pytest.raises(EventsLost):
        stream.next(0)
    again = stream.next(0)

    assert again is not None
    assert again.kind is EventKind.SUB_ESTABLISHED


def test_after_a_loss_the_state_of_the_connection_is_told() -> None:
    """What waited when the loss was noticed comes first, then what is inferred."""
    listed = Subflow(2, Endpoint("10.0.2.1", 7), Endpoint("10.0.1.2", 8), TcpState.ESTABLISHED)
    given = (EventsLost(ENOBUFS, "lost"), [message("sub_established_v4")])
    stream = stream_of(*given, token=V4, state=lambda: FullInfo(V4, 1, (listed,), b""))

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
    listed = Subflow(2, Endpoint("10.0.2.1", 7), Endpoint("10.0.1.2", 8), TcpState.ESTABLISHED)
    lost = EventsLost(ENOBUFS, "lost")
    stream = stream_of(lost, token=V4, state=lambda: FullInfo(OTHER, 1, (listed,), b""))

    with pytest.raises(EventsLost):
        stream.next(3600)
    assert stream.next(0) is None


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let streams look up their connections without delay."""
    monkeypatch.setattr(EventStream, "LOOKUP_INTERVAL", 0.001)


at_once = pytest.mark.usefixtures("_at_once")


def told(stream: EventStream) -> list[tuple[str, bool]]:
    """The kinds of the events up to CLOSED, which must come, and whether they are inferred."""
    found = []
    for event in stream.within(5):
        found.append((event.kind.name, event.inferred))
        if event.kind is EventKind.CLOSED:
            return found
    raise AssertionError(f"no CLOSED came, but {found}")


@at_once
@pytest.mark.parametrize("token", [V4, None], ids=["connection", "namespace"])
def test_an_end_of_which_the_kernel_says_nothing(token: int | None) -> None:
    register = Register(**{f"{V4:x}": True})
    stream = stream_of([message("sub_established_v4")], token=token, register=register)

    assert [told(stream)[-2:], stream.next(0.01)] == [
        [("SUB_CLOSED", True), ("CLOSED", True)],
        None,
    ]


@at_once
def test_what_the_kernel_says_of_the_end_comes_first() -> None:
    """It says so before it forgets the token; here while the connection is looked up."""

    class Late(Register):
        def ended(self, tokens: Iterable[int]) -> dict[int, bool]:
            if not self.asked:
                script.say([message("closed")])
            return super().ended(tokens)

    script = Script([message("sub_established_v4")])
    stream = EventStream(Sources(script, Late(**{f"{V4:x}": True})), V4)

    assert told(stream)[-1] == ("CLOSED", False)
    assert stream.next(0.01) is None


@at_once
def test_what_the_kernel_says_of_an_end_that_was_told() -> None:
    """As it does when the socket of a connection is closed that has ended long since."""
    register = Register(**{f"{V4:x}": False})
    script = Script()
    stream = EventStream(Sources(script, register), V4)

    assert told(stream) == [("CLOSED", True)]
    script.say([message("closed")])
    register.now[V4] = True

    deadline = Deadline(5)
    while stream._ledger.tokens:
        assert stream.next(0) is None
        assert not deadline.passed, "it is never forgotten"


@at_once
def test_of_an_end_that_was_lost() -> None:
    register = Register(**{f"{V4:x}": True})
    lost = (EventsLost(ENOBUFS, "lost"), EventsLost(ENOBUFS, "lost"))
    stream = stream_of([message("sub_established_v4")], *lost, register=register)

    assert stream.next(0) is not None
    for _ in lost:
        with pytest.raises(EventsLost):
            stream.next(0)

    assert told(stream) == [("SUB_CLOSED", True), ("CLOSED", True)]


class Flood(Script):
    """Gives the same for ever."""

    def receive(self, timeout: float) -> list[Message]:
        return [message("sub_established_v4")]


def test_events_of_others_that_never_stop_do_not_keep_the_caller() -> None:
    stream = EventStream(Sources(Flood(), Register()), OTHER)

    assert stream.next(0) is None


def test_events_that_never_stop_do_not_keep_other_tasks() -> None:
    async def follow(events: aio.Events, has_read: asyncio.Event) -> None:
        async for _ in events:
            has_read.set()

    async def main() -> None:
        has_read = asyncio.Event()
        with aio.Events(Sources(Flood(), Register())) as events:
            following = asyncio.create_task(follow(events, has_read))
            await has_read.wait()
            following.cancel()

    asyncio.run(main())


def test_nothing_is_looked_up_before_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventStream, "LOOKUP_INTERVAL", 3600)
    register = Register(**{f"{V4:x}": True})
    stream = stream_of(token=V4, register=register)

    assert [stream.next(0) for _ in range(1000)] == [None] * 1000
    assert register.asked == []


@at_once
def test_all_of_many_connections_are_looked_up() -> None:
    """A part of them in each go, however many; so memory is bounded by what lives."""
    register = Register()
    stream = stream_of(register=register)
    for token in range(1000):
        stream._ledger.follow(token)

    deadline = Deadline(5)
    while set(register.asked) != set(range(1000)):
        assert stream.next(0) is None
        assert not deadline.passed
    assert len(register.asked) < 1200
    assert register.asked[:1000] == list(range(1000))


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


@at_once
@pytest.mark.parametrize("exchange", [True, False], ids=["established", "no data yet"])
def test_a_real_stream_ends_without_a_descriptor(exchange: bool) -> None:
    """Its CLOSED is lost, and another connection has its descriptor by then."""
    real_stream().close()
    with mptcpapi.create_server(("127.0.0.1", 0)) as listener:
        sock = mptcpapi.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        if exchange:
            sock.sendall(b"x")
            accepted.recv(1)
        with accepted, EventStream.of_connection(sock, seed=True) as stream:
            deafen(stream, listener)
            fd = sock.fileno()
            abort(accepted)
            sock.close()
            with mptcpapi.create_connection(listener.getsockname()) as other:
                assert other.fileno() == fd
                found = rest_of(stream)

    assert found == [("ESTABLISHED", True), ("SUB_CLOSED", True), ("CLOSED", True)]


def deafen(stream: EventStream, listener: mptcpapi.Socket) -> None:
    """Let the stream lose what comes next: the kernel finds no room for it."""
    with socket.socket(fileno=os.dup(stream.fileno())) as twin:
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel makes it the least
    for _ in range(20):
        mptcpapi.create_connection(listener.getsockname()).close()
        listener.accept()[0].close()


def abort(sock: mptcpapi.Socket) -> None:
    """Close it with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def rest_of(stream: EventStream) -> list[tuple[str, bool]]:
    """What a stream that has lost something still tells, up to CLOSED."""
    found = []
    deadline = Deadline(5)
    losses = 0
    while not deadline.passed:
        try:
            event = stream.next(deadline.left)
        except EventsLost:
            losses += 1
            continue
        if event is not None:
            found.append((event.kind.name, event.inferred))
            if event.kind is EventKind.CLOSED:
                break
    assert losses, "nothing was lost"
    return found


@at_once
def test_a_real_stream_never_ends_what_lives() -> None:
    """Established or half closed, however often they are looked up."""
    with real_stream() as stream, ExitStack() as sockets:
        listener = sockets.enter_context(mptcpapi.create_server(("127.0.0.1", 0)))
        # Few: what nobody has read yet is some 200 events at most, for an ordinary user.
        living = [connected(listener, sockets) for _ in range(20)]
        for client, server in living[::2]:
            server.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        for _ in range(4):
            client, server = connected(listener, sockets)
            tokens = [server.token(), client.token()]
            abort(server)
            assert until_closed(stream, tokens[1]) == tokens
            client.close()


def connected(
    listener: mptcpapi.Socket, sockets: ExitStack
) -> tuple[mptcpapi.Socket, mptcpapi.Socket]:
    """A connection that has carried something each way."""
    client = sockets.enter_context(mptcpapi.create_connection(listener.getsockname()))
    server = sockets.enter_context(listener.accept()[0])
    for sender, receiver in ((client, server), (server, client)):
        sender.sendall(b"x")
        receiver.recv(1)
    return client, server


def until_closed(stream: EventStream, token: int) -> list[int | None]:
    """The connections that ended, up to this one."""
    found = []
    for event in stream.within(5):
        if event.kind is EventKind.CLOSED:
            found.append(event.token)
            if event.token == token:
                return found
    raise AssertionError(f"the end of {token:08x} was not told")


def test_a_real_stream_that_is_closed_looks_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventStream, "LOOKUP_INTERVAL", 0)
    stream = real_stream()
    stream._ledger.follow(V4)
    stream.close()

    with pytest.raises(SocketClosed, match="this netlink socket is closed"):
        stream.next(0)


def test_a_real_stream_is_silent_and_can_be_closed() -> None:
    with real_stream() as stream:
        assert stream.fileno() >= 0
        assert all(event.received > 0 for event in stream.within(0))

    with pytest.raises(SocketClosed) as refusal:
        stream.next(0)
    assert refusal.value.errno == EBADF
