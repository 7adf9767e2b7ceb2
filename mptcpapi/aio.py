"""Multipath TCP in asyncio: streams over MPTCP sockets, their subflows, their events.

    from mptcpapi import aio

    reader, writer = await aio.open_connection("server.example", 5001)
    writer.write(b"request")  # subflows take a connection that has carried data
    lte = await aio.open_subflow(writer, "10.0.2.1", backup=True)
    with aio.events(writer) as events:
        async for event in events:
            print(event.kind.name)

The streams are asyncio's own. Nothing here blocks the event loop. A call that is cancelled leaves
neither a descriptor nor a subflow behind; so the cancellation of a call that changes subflows takes
effect once the kernel's part is undone or done, usually within a tenth of a second.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from functools import partial
from socket import (
    AF_INET,
    AI_PASSIVE,
    IPPROTO_TCP,
    SHUT_RDWR,
    SO_ERROR,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_NODELAY,
)
from typing import Any, Self, TypeVar

# Event messages are decoded in the event loop, where an import of 0.2 s would block.
from mptcpapi import (
    announcing,
    closing,
    control,
    opening,
    tables,  # noqa: F401
)
from mptcpapi.connection import Socket, create_server, fallen_back, make_socket
from mptcpapi.control import DEFAULT_TIMEOUT
from mptcpapi.deadline import Deadline
from mptcpapi.endpoint import Address, place_of, understood
from mptcpapi.event import Event, EventKind
from mptcpapi.events import EventStream, Sources
from mptcpapi.info import Descriptor, FullInfo, Subflow
from mptcpapi.subflow import SubflowDetails

Connection = Descriptor | asyncio.StreamWriter | asyncio.BaseTransport
"""What the operations take: a stream's writer, a transport, a socket, or a descriptor."""

ClientConnected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]
"""What `start_server` calls, as a task if it is a coroutine, for each client."""

_STREAM_LIMIT = 1 << 16
"""Bytes; asyncio's own default."""

T = TypeVar("T")


async def open_connection(
    host: str | None,
    port: int,
    *,
    local_addr: tuple[str, int] | None = None,
    fallback: bool = False,
    limit: int = _STREAM_LIMIT,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as ``asyncio.open_connection`` does, with MPTCP.

    ``fallback``: whether TCP will do, where this machine has no MPTCP or the peer or the path does
    not let it through. ``limit`` in bytes, of the reader's buffer.

    :raises Unavailable, FallenBack: no MPTCP here, or there, and no ``fallback``
    :raises InvalidArgument: a host or port that cannot be
    :raises OSError: as `mptcpapi.create_connection` does; of several addresses, for the first
    """
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    with understood(place_of((host, port))):
        found = await loop.getaddrinfo(host, port, type=SOCK_STREAM)
    for family, kind, _, _, target in found:
        sock = make_socket(family, kind, fallback)
        try:
            await _connect(sock, target, local_addr, fallback)
            return await asyncio.open_connection(sock=sock, limit=limit)
        except BaseException as failed:
            sock.close()
            if not isinstance(failed, OSError):
                raise
            failures.append(failed)
    raise failures[0]


async def start_server(
    client_connected: ClientConnected,
    host: str | None,
    port: int,
    *,
    family: int = AF_INET,
    backlog: int = 100,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
    fallback: bool = False,
    limit: int = _STREAM_LIMIT,
) -> asyncio.Server:
    """Serve streams as ``asyncio.start_server`` does, with MPTCP, at the first address of ``host``.

    The other arguments are those of `mptcpapi.create_server`; ``limit`` as above.

    :raises Unavailable: no MPTCP sockets here, and no ``fallback``
    :raises InvalidArgument: a host or port that cannot be
    :raises OSError: what ``socket.create_server`` raises
    """
    loop = asyncio.get_running_loop()
    with understood(place_of((host, port))):
        found = await loop.getaddrinfo(
            host, port, family=family, type=SOCK_STREAM, flags=AI_PASSIVE
        )
    address: Any = found[0][4]
    sock = create_server(
        address,
        family=family,
        backlog=backlog,
        reuse_port=reuse_port,
        dualstack_ipv6=dualstack_ipv6,
        fallback=fallback,
    )
    with ExitStack() as undo:
        undo.callback(sock.close)
        _send_at_once(sock)
        server = await asyncio.start_server(
            client_connected, sock=sock, backlog=backlog, limit=limit, start_serving=False
        )
        undo.callback(server.close)
        await server.start_serving()
        undo.pop_all()
    return server


async def open_subflow(
    connection: Connection,
    local: Address | None = None,
    remote: Address | None = None,
    *,
    backup: bool = False,
    interface: str | int | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> SubflowDetails:
    """See `mptcpapi.open_subflow`. If it is cancelled, the subflow is closed again."""
    sock = _socket_of(connection)
    deadline = Deadline(timeout)
    work = partial(
        opening.open_before, deadline, sock, local, remote, backup=backup, interface=interface
    )
    call = _in_thread(work)
    try:
        await asyncio.wait([call])
    except asyncio.CancelledError:
        deadline.expire()
        await _finished(call)
        if call.exception() is None:
            await _finished(_in_thread(partial(closing.close_subflow, sock, call.result())))
        raise
    return call.result()


async def close_subflow(
    connection: Connection,
    subflow: Subflow | int,
    how: int = SHUT_RDWR,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> None:
    """See `mptcpapi.close_subflow`."""
    sock = _socket_of(connection)
    await _carried_out(partial(closing.close_subflow, sock, subflow, how, timeout=timeout))


async def abort_subflow(
    connection: Connection, subflow: Subflow | int, *, timeout: float = DEFAULT_TIMEOUT
) -> None:
    """See `mptcpapi.abort_subflow`."""
    sock = _socket_of(connection)
    await _carried_out(partial(closing.abort_subflow, sock, subflow, timeout=timeout))


async def set_backup(
    connection: Connection,
    subflow: Subflow | int,
    backup: bool,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> SubflowDetails:
    """See `mptcpapi.set_backup`."""
    sock = _socket_of(connection)
    return await _carried_out(partial(control.set_backup, sock, subflow, backup, timeout=timeout))


async def announce(connection: Connection, address: Address, *, id: int | None = None) -> int:
    """See `mptcpapi.announce`. If it is cancelled, the address may have been announced."""
    sock = _socket_of(connection)
    return await _carried_out(partial(announcing.announce, sock, address, id=id))


async def withdraw(connection: Connection, id: int) -> None:
    """See `mptcpapi.withdraw`."""
    sock = _socket_of(connection)
    await _carried_out(partial(announcing.withdraw, sock, id))


def events(connection: Connection) -> Events:
    """The events of a connection, from now until it has ended.

    :raises FallenBack: the connection is TCP
    :raises NoPrivilege: CAP_NET_ADMIN is missing
    """
    return Events.of_connection(_socket_of(connection))


class Events(EventStream):
    """An `EventStream` for ``async for``, in one task at a time; a context manager.

    ``of_connection``: it ends after CLOSED. ``of_namespace``: it has no end. It also ends when it
    is closed. EventsLost is raised where events are missing; a new ``async for`` goes on from
    there.
    """

    def __init__(
        self,
        sources: Sources,
        token: int | None = None,
        state: Callable[[], FullInfo] | None = None,
    ) -> None:
        super().__init__(sources, token, state)
        self._has_ended = False
        self._news: asyncio.Event | None = None
        """What the task that iterates waits for."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        await asyncio.sleep(0)  # events may come faster than they are taken: others have their turn
        while not self._has_ended:
            event = self.next(0)
            if event is None:
                await self._wait()
                continue
            if event.kind is EventKind.CLOSED and self._token is not None:
                self.close()
            return event
        raise StopAsyncIteration

    def close(self) -> None:
        """Stop listening, and end the iteration; a second time is harmless."""
        self._has_ended = True
        if self._news is None:
            super().close()
        else:
            self._news.set()  # the task that waits closes what it waits on

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        loop.add_reader(self.fileno(), self._news.set)
        lookup = loop.call_later(self.LOOKUP_INTERVAL, self._news.set)
        try:
            await self._news.wait()
        finally:
            lookup.cancel()
            self._news = None
            loop.remove_reader(self.fileno())
            if self._has_ended:
                super().close()


async def _connect(
    sock: Socket, target: Any, local_addr: tuple[str, int] | None, fallback: bool
) -> None:
    sock.setblocking(False)
    if local_addr is not None:
        sock.bind(local_addr)
    with suppress(BlockingIOError):
        sock.connect(target)
    await _writable(sock)
    if code := sock.getsockopt(SOL_SOCKET, SO_ERROR):
        raise OSError(code, f"connect to {target[0]} port {target[1]}: {os.strerror(code)}")
    if not fallback and not sock.in_use():
        raise fallen_back(target)
    _send_at_once(sock)


async def _writable(sock: Socket) -> None:
    """Wait until a connect has ended.

    asyncio's own ``sock_connect`` fails: it hands the socket's protocol to getaddrinfo, which does
    not know IPPROTO_MPTCP.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_writer(sock, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_writer(sock)


def _send_at_once(sock: Socket) -> None:
    """Set what asyncio sets on every socket of TCP, which accepted ones take from the listener."""
    sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)


def _socket_of(connection: Connection) -> Descriptor:
    if isinstance(connection, asyncio.StreamWriter | asyncio.BaseTransport):
        sock: Descriptor = connection.get_extra_info("socket")
        return sock
    return connection


def _in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    return asyncio.get_running_loop().run_in_executor(None, work)


async def _carried_out(work: Callable[[], T]) -> T:
    """Do the work in a thread, to its end even if this is cancelled meanwhile."""
    call = _in_thread(work)
    try:
        await asyncio.wait([call])
    except asyncio.CancelledError:
        await _finished(call)
        raise
    return call.result()


async def _finished(call: asyncio.Future[Any]) -> None:
    """Wait for the end of the call, whatever it is and however often this is cancelled."""
    while not call.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([call])
    call.exception()  # so that asyncio does not report it as unheeded
