"""asyncio over the loopback interface: streams, events, and what a cancellation leaves behind."""

import asyncio
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from errno import EOPNOTSUPP
from typing import Any, NamedTuple, TypeVar

import pytest
from own_process import descriptors, left

import mptcpapi
from mptcpapi import (
    Endpoint,
    EventKind,
    FallenBack,
    InvalidArgument,
    MachineError,
    NoPrivilege,
    Socket,
    SocketClosed,
    SubflowDetails,
    TcpState,
    Unavailable,
    aio,
    closing,
    opening,
)

T = TypeVar("T")

HERE = "127.0.0.1"
SUBFLOW = SubflowDetails(
    id=2,
    local=Endpoint(HERE, 5),
    remote=Endpoint(HERE, 6),
    state=TcpState.ESTABLISHED,
    local_id=1,
    remote_id=0,
    backup=False,
    remote_backup=False,
    fully_established=True,
)


class Streams(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    accepted: asyncio.StreamWriter


@pytest.fixture(autouse=True)
def _mptcp_is_here() -> None:
    try:
        Socket().close()
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(autouse=True)
def _nothing_leaks(_mptcp_is_here: None) -> Iterator[None]:
    before = descriptors()
    yield
    assert not left(descriptors, before)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, which must come."""
    return asyncio.run(asyncio.wait_for(main, 10))


@asynccontextmanager
async def connected(host: str = HERE, family: int = socket.AF_INET) -> AsyncIterator[Streams]:
    """A client of a server that sends back whatever it gets."""
    accepted = asyncio.get_running_loop().create_future()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer)
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = await aio.start_server(echo, host, 0, family=family)
    try:
        reader, writer = await aio.open_connection(*server.sockets[0].getsockname()[:2])
        try:
            yield Streams(reader, writer, await accepted)
        finally:
            writer.close()
            await writer.wait_closed()
            await (await accepted).wait_closed()
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("host", "family"),
    [(HERE, socket.AF_INET), ("localhost", socket.AF_INET), ("::1", socket.AF_INET6)],
)
def test_streams_speak_mptcp(host: str, family: int) -> None:
    async def main() -> None:
        async with connected(host, family) as streams:
            streams.writer.write(b"hello")
            assert await streams.reader.readexactly(5) == b"hello"
            for end in (streams.writer, streams.accepted):
                sock = end.get_extra_info("socket")
                assert mptcpapi.in_use(sock)
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    run(main())


def test_a_server_without_mptcp() -> None:
    async def main(address: tuple[str, int]) -> None:
        with pytest.raises(FallenBack, match="pass fallback=True if TCP will do") as refusal:
            await aio.open_connection(*address)
        assert refusal.value.errno == EOPNOTSUPP
        _, writer = await aio.open_connection(*address, fallback=True, local_addr=("127.0.0.2", 0))
        assert writer.get_extra_info("sockname")[0] == "127.0.0.2"
        assert not mptcpapi.in_use(writer.get_extra_info("socket"))
        writer.close()
        await writer.wait_closed()

    with socket.create_server((HERE, 0)) as listener:
        run(main(listener.getsockname()))


def test_nobody_listens() -> None:
    with Socket() as bound:
        bound.bind((HERE, 0))
        with pytest.raises(ConnectionRefusedError):
            run(aio.open_connection(*bound.getsockname()))


def test_a_taken_port() -> None:
    with mptcpapi.create_server((HERE, 0)) as listener, pytest.raises(OSError, match="in use"):
        run(aio.start_server(lambda *_: None, *listener.getsockname()))


def test_a_cancelled_connection() -> None:
    async def main(address: tuple[str, int]) -> None:
        before = descriptors()
        connecting = asyncio.create_task(aio.open_connection(*address))
        while descriptors() <= before:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
            assert not connecting.done()
        connecting.cancel()
        await asyncio.wait([connecting])
        assert connecting.cancelled()
        assert not left(descriptors, before)

    with (
        socket.create_server((HERE, 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
    ):  # so that a SYN is not answered
        run(main(full.getsockname()))


def test_a_server_that_is_cancelled_when_it_has_begun() -> None:
    async def main() -> None:
        before = descriptors()
        starting = asyncio.create_task(aio.start_server(lambda *_: None, HERE, 0))
        while descriptors() <= before:
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        assert starting.cancelled()
        assert not left(descriptors, before)
        async with connected() as streams:  # the loop has forgotten the descriptor, now used again
            assert not streams.writer.is_closing()

    run(main())


def test_everything_that_has_a_socket_will_do() -> None:
    async def main() -> None:
        async with connected() as streams:
            sock = streams.writer.get_extra_info("socket")
            for connection in (streams.writer, streams.writer.transport, sock, sock.fileno()):
                with pytest.raises(MachineError, match=r"net\.mptcp\.pm_type=1|CAP_NET_ADMIN"):
                    await aio.close_subflow(connection, 1)
                with pytest.raises(MachineError, match=r"net\.mptcp\.pm_type=1|CAP_NET_ADMIN"):
                    await aio.set_backup(connection, 1, True)
                with pytest.raises(MachineError, match=r"net\.mptcp\.pm_type=1|CAP_NET_ADMIN"):
                    await aio.open_subflow(connection)

    run(main())


def test_a_closed_stream() -> None:
    async def main() -> None:
        async with connected() as streams:
            pass
        with pytest.raises(SocketClosed, match="this socket is closed"):
            await aio.open_subflow(streams.writer)
        with pytest.raises(SocketClosed, match="this socket is closed"):
            aio.events(streams.writer)

    run(main())


def test_a_time_that_cannot_be() -> None:
    async def main() -> None:
        async with connected() as streams:
            with pytest.raises(InvalidArgument, match="timeout -1"):
                await aio.open_subflow(streams.writer, timeout=-1)

    run(main())


class Opening:
    """Stands in for `opening.open_before`: it ends when its deadline has expired."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, result: SubflowDetails | Exception) -> None:
        self._result = result
        self.begun = threading.Event()
        self.closed: list[object] = []
        monkeypatch.setattr(opening, "open_before", self._open)
        monkeypatch.setattr(closing, "close_subflow", lambda *what: self.closed.append(what))

    def _open(self, deadline: Any, *_: object, **__: object) -> SubflowDetails:
        self.begun.set()
        while not deadline.passed:
            pass
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


async def cancel_opening(opening: Opening, times: int) -> None:
    call = asyncio.create_task(aio.open_subflow(1000, timeout=5))
    assert await asyncio.to_thread(opening.begun.wait, 10)
    for _ in range(times):
        call.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([call])
    assert call.cancelled()


@pytest.mark.parametrize("times", [1, 3])
def test_a_subflow_that_opens_when_its_opening_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    late = Opening(monkeypatch, SUBFLOW)

    run(cancel_opening(late, times))

    assert late.closed == [(1000, SUBFLOW)]


def test_an_opening_that_fails_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    late = Opening(monkeypatch, mptcpapi.SubflowTimeout(110, "late"))

    run(cancel_opening(late, 1))

    assert late.closed == []


def test_a_cancelled_change_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()
    done: list[object] = []

    def work(_: object, which: int, *_how: object, **_options: object) -> None:
        begun.set()
        go.wait(10)
        done.append(which)

    async def main() -> None:
        call = asyncio.create_task(aio.close_subflow(1000, 7))
        await asyncio.to_thread(begun.wait, 10)
        call.cancel()
        await asyncio.sleep(0)
        assert not call.done()
        go.set()
        await asyncio.wait([call])
        assert call.cancelled()

    monkeypatch.setattr(closing, "close_subflow", work)
    run(main())

    assert done == [7]


def events_of(writer: asyncio.StreamWriter) -> aio.Events:
    try:
        return aio.events(writer)
    except NoPrivilege as reason:
        pytest.skip(str(reason))


def test_events_until_the_connection_ends() -> None:
    async def main() -> list[EventKind]:
        async with connected() as streams:
            events = events_of(streams.writer)
        return [event.kind async for event in events]

    assert run(main())[-1] is EventKind.CLOSED


def test_events_end_when_the_peer_resets_the_connection() -> None:
    """The kernel sends no event of it, and the application has its socket still."""

    async def main() -> list[EventKind]:
        kinds: list[EventKind] = []
        with suppress(ConnectionResetError):  # says the stream when it is closed
            async with connected() as streams:
                events = events_of(streams.writer)
                streams.writer.write(b"hello")
                assert await streams.reader.readexactly(5) == b"hello"
                sock = streams.accepted.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                streams.accepted.transport.abort()
                kinds += [event.kind async for event in events]
        return kinds

    assert run(main())[-1:] == [EventKind.CLOSED]


def test_waiting_for_an_event_can_be_given_up() -> None:
    async def main() -> None:
        async with connected() as streams:
            with events_of(streams.writer) as events:
                waiting = asyncio.create_task(anext(events))
                await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.wait([waiting])
                assert waiting.cancelled()
                streams.writer.close()
                kinds = [event.kind async for event in events]
                assert kinds[-1] is EventKind.CLOSED

    run(main())


def test_events_end_when_they_are_closed() -> None:
    async def main() -> None:
        async with connected() as streams:
            events = events_of(streams.writer)
            waiting = asyncio.create_task(anext(events, None))
            await asyncio.sleep(0)
            events.close()
            events.close()
            assert await waiting is None
            assert await anext(events, None) is None

    run(main())


def test_importing_the_package_does_not_import_asyncio() -> None:
    program = "import mptcpapi, sys; sys.exit('asyncio' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
