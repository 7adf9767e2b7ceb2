"""Multipath TCP in asyncio: streams, subflows, events and cancellation while data flows."""

import asyncio
import functools
import socket
import struct
from contextlib import asynccontextmanager
from errno import ECONNRESET

import pytest
from own_process import descriptors, left

from lab.events import EventLog
from lab.wire.mptcp import MpFastclose, MpJoinSyn, MpPrio, MptcpOption, Subtype
from lab.workload import CHUNK, Pattern
from mptcpapi import EventKind, aio

pytestmark = pytest.mark.topology("two_paths")

REMOVE = Subtype.REMOVE_ADDR


def in_a_loop(scenario):
    """Run a scenario that is a coroutine, to its end, which must come."""

    @functools.wraps(scenario)
    def run(**fixtures):
        asyncio.run(asyncio.wait_for(scenario(**fixtures), 30))

    return run


@asynccontextmanager
async def echo(client, server):
    """Streams of the client to a server that sends everything back."""
    served = asyncio.Event()

    async def send_back(reader, writer):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        served.set()

    with server.stack():
        serving = await aio.start_server(send_back, address(server, "core"), 0)
    with client.stack():
        reader, writer = await aio.open_connection(*serving.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()
        await served.wait()
        serving.close()
        await serving.wait_closed()


def address(host, link):
    """The IPv4 address of a host on a link."""
    return str(host.addresses[link][0].ip)


async def exchange(reader, writer, enough):
    """Send until it is enough, and check every byte that comes back."""
    pattern = Pattern(1)
    sent = received = 0

    async def send():
        nonlocal sent
        while not enough.is_set():
            writer.write(pattern.at(sent, CHUNK))
            sent += CHUNK
            await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    while data := await reader.read(CHUNK):
        assert data == pattern.at(received, len(data))
        received += len(data)
    await sending
    assert received == sent


@in_a_loop
async def test_streams_use_both_paths(client, server, capture, result):
    """Streams carry every byte there and back, over a subflow that joins while they do, too."""
    enough = asyncio.Event()
    with EventLog(server, result) as events:
        async with echo(client, server) as (reader, writer):
            exchanging = asyncio.create_task(exchange(reader, writer, enough))
            lte = await aio.open_subflow(writer, address(client, "lte"))
            seen = await asyncio.to_thread(
                capture.until, "server", lambda seen: seen.arrived().on(lte).payload() > 50_000
            )
            enough.set()
            await exchanging

        assert lte.fully_established
        events.wait(EventKind.SUB_ESTABLISHED, lte)
        assert (seen.join().initiator, seen.join().responder) == (lte.local, lte.remote)
        seen.join().verify(seen.connection())


@in_a_loop
async def test_a_subflow_is_opened_changed_and_closed(flow, capture):
    """Each call returns what came of it: a backup subflow becomes normal, carries, and ends."""
    sock = flow.connection
    lte = await aio.open_subflow(sock, flow.address("client", "lte"), backup=True)
    normal = await aio.set_backup(sock, lte, False)
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 50_000)
    await aio.close_subflow(sock, lte)

    assert lte.backup
    assert not normal.backup
    assert [subflow.id for subflow in sock.subflows()] == [1]
    events = flow.events["server"]
    events.wait(EventKind.SUB_ESTABLISHED, lte, backup=True)
    events.wait(EventKind.SUB_PRIORITY, lte, backup=False)
    events.wait(EventKind.SUB_CLOSED, lte)
    seen = capture.until("server", lambda seen: ends_of(lte, seen) == {lte.local, lte.remote})
    (_, syn), (_, prio) = seen.arrived().only(MpJoinSyn), seen.arrived().only(MpPrio)
    assert (syn.backup, prio.backup) == (True, False)


@in_a_loop
async def test_a_subflow_of_an_interface_is_aborted(flow, client, capture):
    """Opened by its interface alone, a subflow has an address of it; aborted, it ends with RST."""
    client.run("ip", "route", "add", "default", "via", "10.0.2.2", "dev", "lte", "metric", "99")
    flow.wait_delivered("100 kB")

    lte = await aio.open_subflow(flow.connection, interface="lte")
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 10_000)
    await aio.abort_subflow(flow.connection, lte)

    assert lte.local.host == flow.address("client", "lte")
    assert [subflow.id for subflow in flow.connection.subflows()] == [1]
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte, error=ECONNRESET)
    seen = capture.until("server", lambda seen: any(each.rst for each in seen.arrived().on(lte)))
    assert seen.join().initiator == lte.local


@pytest.mark.flow(sender="server")  # a host that sends may lose REMOVE_ADDR (docs/mptcpapi.md)
@in_a_loop
async def test_an_address_is_announced_and_withdrawn(flow, capture):
    """Both reach the peer, and the wire has an option for each."""
    lte = flow.address("client", "lte")
    flow.wait_delivered("100 kB")

    number = await aio.announce(flow.connection, lte)
    await aio.withdraw(flow.connection, number)

    told = flow.events["server"].wait(EventKind.ANNOUNCED, remote_id=number)
    assert told.remote.host == lte
    flow.events["server"].wait(EventKind.REMOVED, remote_id=number)
    seen = capture.until("server", lambda seen: REMOVE in subtypes(seen.arrived()))
    assert subtypes(seen.arrived()) >= {Subtype.ADD_ADDR, REMOVE}


def subtypes(seen):
    """Of all options that were seen."""
    return {option.subtype for _, option in seen.all(MptcpOption)}


@in_a_loop
async def test_a_cancelled_opening_leaves_nothing(flow, net, capture):
    """While a SYN waits for its answer, the loop goes on; cancelled, the subflow is gone."""
    lte = flow.address("client", "lte")
    flow.wait_delivered("100 kB")
    net.node("gw").run("ip", "rule", "add", "to", lte, "blackhole", "pref", "1")
    before = descriptors()

    opening = asyncio.create_task(aio.open_subflow(flow.connection, lte))
    seen = await asyncio.to_thread(
        capture.until, "server", lambda seen: seen.arrived().all(MpJoinSyn)
    )
    assert not opening.done()
    opening.cancel()
    await asyncio.wait([opening])

    assert opening.cancelled()
    assert not left(descriptors, before)
    assert [subflow.id for subflow in flow.connection.subflows()] == [1]
    closed = flow.events["client"].wait(EventKind.SUB_CLOSED, error=ECONNRESET)
    syn, _ = seen.arrived().first(MpJoinSyn)
    assert closed.local == syn.source
    flow.wait_delivered_more("200 kB")
    later = capture.at("client").sent().after(closed.received)
    assert later.on(flow.first).payload() > 0
    assert later.all(MpJoinSyn) == ()


@in_a_loop
async def test_events_until_the_connection_ends(client, server, capture):
    """``async for`` gives each event of a connection as it happens, and ends with it."""

    async def follow(events):
        return [event async for event in events]

    async with echo(client, server) as (reader, writer):
        following = asyncio.create_task(follow(aio.events(writer)))
        writer.write(b"hello")
        await reader.readexactly(5)
        lte = await aio.open_subflow(writer, address(client, "lte"))
        await aio.close_subflow(writer, lte)
        wire = await asyncio.to_thread(
            capture.until, "client", lambda seen: ends_of(lte, seen) == {lte.local, lte.remote}
        )
    seen = await following

    assert [event.kind for event in seen if event.local == lte.local] == [
        EventKind.SUB_ESTABLISHED,
        EventKind.SUB_CLOSED,
    ]
    assert seen[-1].kind is EventKind.CLOSED
    assert wire.join().initiator == lte.local


@in_a_loop
async def test_events_until_the_peer_resets_the_connection(flow, capture):
    """``async for`` ends, though the kernel says nothing and the socket stays open."""
    lte = flow.open_subflow("lte")
    with aio.events(flow.connection) as events:
        await asyncio.to_thread(flow.finish)
        flow.accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        flow.accepted.close()
        told = [event async for event in events]

    assert told[-1].kind is EventKind.CLOSED
    assert lte.local in [each.local for each in told if each.kind is EventKind.SUB_CLOSED]
    assert flow.connection.fileno() >= 0
    seen = await asyncio.to_thread(
        capture.until, "client", lambda seen: any(each.rst for each in seen.arrived().on(lte))
    )
    assert seen.arrived().all(MpFastclose)


def ends_of(subflow, seen):
    """The ends from which a FIN was seen on the subflow."""
    return {segment.source for segment in seen.on(subflow) if segment.fin}
