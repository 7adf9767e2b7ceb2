"""The contract that the fake stack and the kernel keep: each case runs on both."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Callable
from errno import (
    EADDRINUSE,
    EADDRNOTAVAIL,
    EBADF,
    ECONNABORTED,
    ECONNREFUSED,
    ECONNRESET,
    EINVAL,
    ENOTCONN,
    EOPNOTSUPP,
    ETIMEDOUT,
)
from time import monotonic
from typing import Any

import pytest
from contract_worlds import Pair, World, carry

import mptcpapi
from mptcpapi import (
    Borrowed,
    ConnectionEnded,
    Event,
    EventKind,
    EventStream,
    FallenBack,
    InvalidArgument,
    KernelRefused,
    MachineError,
    NoSuchSubflow,
    PathManagerNotUserspace,
    Socket,
    SocketClosed,
    Subflow,
    SubflowDetails,
    SubflowRefused,
    SubflowTimeout,
    TcpState,
    aio,
)

Case = Callable[[World], None]

SHORT = 0.3
"""Seconds for what is to time out."""
ABORTIVE = struct.pack("ii", 1, 0)
"""``struct linger``: close with RST."""


def described(event: Event) -> dict[str, Any]:
    """The fields of an event that tell something, without time and token."""
    fields = {name: getattr(event, name) for name in Event.__slots__}
    left_out = {"received", "token", "inferred"}
    told = {k: v for k, v in fields.items() if v is not None and k not in left_out}
    return told | ({"inferred": True} if event.inferred else {})


def until(events: EventStream, kind: EventKind) -> list[dict[str, Any]]:
    """The events up to the first of this kind; the test fails if it does not come."""
    seen = []
    for event in events.within(5):
        seen.append(described(event))
        if event.kind is kind:
            return seen
    raise AssertionError(f"no {kind.name} came, but {seen}")


def about(kind: EventKind, subflow: Subflow, **fields: Any) -> dict[str, Any]:
    """What is told of an event about a subflow."""
    ends = {"local": subflow.local, "remote": subflow.remote}
    ids = {"local_id": subflow.local_id, "remote_id": subflow.remote_id}
    return {"kind": kind, **ends, **ids, **fields}


def ids(sock: Socket) -> list[int]:
    return [subflow.id for subflow in sock.subflows()]


def there(pair: Pair, subflow: Subflow) -> SubflowDetails:
    """The same subflow as the server has it, once it does."""
    deadline = monotonic() + 5
    while monotonic() < deadline:
        for each in pair.server.subflow_details():
            if each.remote == subflow.local:
                return each
    raise AssertionError(f"the server has no {subflow}, but {pair.server.subflow_details()}")


def wait(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 5
    while not condition():
        assert monotonic() < deadline, "it did not happen within 5 s"


# --- opening


def the_initial_subflow_is_listed_at_both_ends(world: World) -> None:
    client, server, listener = world.connect(exchange=False)

    (here,), (other,) = client.subflow_details(), server.subflow_details()

    assert here.id == other.id == 1
    assert here.local.host == world.wifi
    assert here.remote == listener.getsockname()[:2] == client.getpeername()[:2]
    assert (here.local, here.remote) == (other.remote, other.local)
    assert here.state is other.state is TcpState.ESTABLISHED
    assert (here.local_id, here.remote_id, here.backup, here.remote_backup) == (0, 0, False, False)
    assert not here.fully_established
    assert other.fully_established
    assert client.proto == server.proto == mptcpapi.IPPROTO_MPTCP
    assert client.in_use()
    assert server.in_use()
    assert client.token() != server.token()


def no_subflow_before_data_was_carried(world: World) -> None:
    client, server, _ = world.connect(exchange=False)

    with pytest.raises(SubflowTimeout, match="the connection was not fully established"):
        client.open_subflow(world.lte, timeout=SHORT)
    carry(client, server)
    carry(server, client)

    assert client.open_subflow(world.lte).id == 2


def opening(world: World) -> None:
    pair = world.connect()
    here, other = world.events(pair.client), world.events(pair.server)

    lte = pair.client.open_subflow(world.lte)

    assert (lte.id, lte.state, lte.local.host) == (2, TcpState.ESTABLISHED, world.lte)
    assert lte.remote == pair.client.getpeername()[:2]
    assert (lte.local_id, lte.remote_id) == (1, 0)
    assert (lte.backup, lte.remote_backup, lte.fully_established) == (False, False, True)
    assert pair.client.subflow_details()[1] == lte
    twin = there(pair, lte)
    assert (twin.local, twin.local_id, twin.remote_id) == (lte.remote, 0, 1)
    kind = EventKind.SUB_ESTABLISHED
    assert until(here, kind) == [about(kind, lte, backup=False)]
    assert until(other, kind) == [about(kind, twin, backup=False)]
    carry(pair.client, pair.server, b"hello")


def the_initial_events(world: World) -> None:
    listener = world.listen()
    with world.at_client():
        client = Socket(socket.AF_INET6 if world.version == 6 else socket.AF_INET)
        everything = EventStream.of_namespace()
    with client, everything:
        client.bind((world.wifi, 0))
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            carry(client, server)
            carry(server, client)
            token = client.token()
            seen = []
            for event in everything.within(5):
                if event.token == token:
                    seen.append(described(event))
                if seen and seen[-1]["kind"] is EventKind.ESTABLISHED:
                    break
            (first,) = client.subflow_details()

    assert seen == [
        about(EventKind.CREATED, first, server_side=False),
        about(EventKind.ESTABLISHED, first, server_side=False),
    ]


def backup_from_the_first_packet(world: World) -> None:
    pair = world.connect()
    other = world.events(pair.server)

    lte = pair.client.open_subflow(world.lte, backup=True)

    assert lte.backup
    twin = there(pair, lte)
    assert (twin.backup, twin.remote_backup) == (False, True)
    (told,) = until(other, EventKind.SUB_ESTABLISHED)
    assert told["backup"]


def subflows_of_one_address(world: World) -> None:
    client = world.connect().client

    one, two = client.open_subflow(world.lte), client.open_subflow(world.lte)
    third = client.open_subflow((world.lte, 7777))
    first = client.open_subflow()

    assert one.local != two.local
    assert one.local_id == two.local_id == 1
    assert (third.local, third.local_id) == ((world.lte, 7777), 2)
    assert (first.local.host, first.local_id) == (world.wifi, 0)
    assert ids(client) == [1, 2, 3, 4, 5]


def through_an_interface(world: World) -> None:
    client = world.connect().client
    events = world.events(client)

    lte = client.open_subflow(world.lte, interface="lte")

    assert lte.local.host == world.lte
    (told,) = until(events, EventKind.SUB_ESTABLISHED)
    assert told["interface"] > 1
    with pytest.raises(InvalidArgument, match=r"it has lo \(1\).*wifi \(.*lte \("):
        client.open_subflow(interface="nowhere")


# --- refusals


def nobody_listens(world: World) -> None:
    pair = world.connect()
    events = world.events(pair.client)
    pair.listener.close()

    with pytest.raises(SubflowRefused, match="RST: nothing listens there") as refusal:
        pair.client.open_subflow(world.lte)

    assert refusal.value.errno == ECONNREFUSED
    (told,) = until(events, EventKind.SUB_CLOSED)
    assert told["local"].host == world.lte
    assert (told["remote"], told["error"]) == (pair.client.getpeername()[:2], ECONNREFUSED)
    assert ids(pair.client) == ids(pair.server) == [1]
    carry(pair.client, pair.server)


def the_peer_takes_no_more(world: World) -> None:
    world.server_takes_no_more()
    pair = world.connect()
    events = world.events(pair.client)

    with pytest.raises(SubflowRefused, match="its path manager takes no more") as refusal:
        pair.client.open_subflow(world.lte)

    assert refusal.value.errno == ECONNRESET
    seen = until(events, EventKind.SUB_CLOSED)
    assert [event["kind"] for event in seen] == [EventKind.SUB_ESTABLISHED, EventKind.SUB_CLOSED]
    assert "error" not in seen[-1]
    assert ids(pair.client) == ids(pair.server) == [1]


def nobody_answers(world: World) -> None:
    pair = world.connect()
    events = world.events(pair.client)

    with pytest.raises(SubflowTimeout, match="the SYN was not answered") as timeout:
        pair.client.open_subflow(world.lte, world.silent, timeout=SHORT)

    assert timeout.value.errno == ETIMEDOUT
    (told,) = until(events, EventKind.SUB_CLOSED)
    assert (told["remote"].host, told["error"]) == (world.silent, ECONNRESET)
    assert ids(pair.client) == [1]


def a_path_that_is_cut(world: World) -> None:
    pair = world.connect()
    lte = pair.client.open_subflow(world.lte)
    world.cut_lte()

    with pytest.raises(SubflowTimeout, match="the SYN was not answered"):
        pair.client.open_subflow(world.lte, timeout=SHORT)

    assert [(each.id, each.state) for each in pair.client.subflows()] == [
        (1, TcpState.ESTABLISHED),
        (lte.id, TcpState.ESTABLISHED),
    ]


def local_addresses_that_cannot_be(world: World) -> None:
    client = world.connect().client
    taken = client.open_subflow((world.lte, 7777))
    loopback = "::1" if world.version == 6 else "127.0.0.1"

    for local, code in ((world.foreign, EADDRNOTAVAIL), (taken.local, EADDRINUSE)):
        with pytest.raises(SubflowRefused) as refusal:
            client.open_subflow(local)
        assert refusal.value.errno == code
    with pytest.raises(SubflowRefused):
        client.open_subflow(loopback, timeout=SHORT)
    assert ids(client) == [1, taken.id]


# --- changing


def priorities(world: World) -> None:
    pair = world.connect()
    lte = pair.client.open_subflow(world.lte)
    here, other = world.events(pair.client), world.events(pair.server)

    assert pair.client.set_backup(lte, True).backup
    told = until(other, EventKind.SUB_PRIORITY)
    twin = there(pair, lte)
    assert (twin.backup, twin.remote_backup) == (False, True)
    assert told == [about(EventKind.SUB_PRIORITY, twin, backup=True)]
    assert pair.server.set_backup(twin, True).backup
    assert until(here, EventKind.SUB_PRIORITY)[-1]["backup"]
    (_, seen) = pair.client.subflow_details()
    assert (seen.backup, seen.remote_backup) == (True, True)
    assert not pair.client.set_backup(lte.id, False).backup
    assert pair.client.set_backup(1, True).backup


def closing(world: World) -> None:
    pair = world.connect()
    lte = pair.client.open_subflow(world.lte)
    twin = there(pair, lte)
    here, other = world.events(pair.client), world.events(pair.server)

    pair.client.close_subflow(lte)

    assert ids(pair.client) == [1]
    kind = EventKind.SUB_CLOSED
    assert until(here, kind) == [about(kind, lte, backup=False)]
    assert until(other, kind) == [about(kind, twin, backup=False)]
    assert ids(pair.server) == [1]
    carry(pair.client, pair.server)


def ids_are_never_used_again(world: World) -> None:
    client = world.connect().client
    one = client.open_subflow(world.lte)
    client.close_subflow(one)

    with pytest.raises(NoSuchSubflow, match=rf"such subflow as {one.id}; the ids of those.*: 1$"):
        client.close_subflow(one.id)
    two = client.open_subflow(world.lte)

    assert two.id > one.id
    assert two.local_id == one.local_id
    with pytest.raises(NoSuchSubflow):
        client.set_backup(one, True)


def the_initial_subflow_is_closed(world: World) -> None:
    pair = world.connect()
    lte = pair.client.open_subflow(world.lte)
    names = pair.client.getsockname(), pair.client.getpeername()

    pair.client.close_subflow(1)

    assert ids(pair.client) == [lte.id]
    wait(lambda: len(ids(pair.server)) == 1)
    assert (pair.client.getsockname(), pair.client.getpeername()) == names
    carry(pair.client, pair.server, b"over the other one")
    with pytest.raises(NoSuchSubflow):
        pair.client.close_subflow(1)


def a_connection_without_subflows_is_revived(world: World) -> None:
    pair = world.connect()
    pair.client.close_subflow(1)
    wait(lambda: ids(pair.server) == [])
    with pytest.raises(NoSuchSubflow, match="the ids of those it has: none"):
        pair.client.tcp_info(1)

    lte = pair.client.open_subflow(world.lte)

    assert ids(pair.client) == [lte.id]
    carry(pair.client, pair.server)


def aborting(world: World) -> None:
    pair = world.connect()
    lte = pair.client.open_subflow(world.lte)
    twin = there(pair, lte)
    here, other = world.events(pair.client), world.events(pair.server)

    pair.client.abort_subflow(lte)

    assert ids(pair.client) == [1]
    kind = EventKind.SUB_CLOSED
    assert until(here, kind) == [about(kind, lte, backup=False, error=ECONNABORTED)]
    (told,) = until(other, kind)
    assert told.pop("reset_reason", 0) == 0
    assert told == about(kind, twin, backup=False, error=ECONNRESET)
    again = pair.client.open_subflow(world.lte)
    assert again.local_id == lte.local_id


def the_peer_closes(world: World) -> None:
    pair = world.connect()
    lte = pair.client.open_subflow(world.lte)
    events = world.events(pair.client)

    pair.server.close_subflow(there(pair, lte))

    kind = EventKind.SUB_CLOSED
    assert until(events, kind) == [about(kind, lte, backup=False)]
    assert ids(pair.client) == [1]


# --- addresses and path managers


def addresses_are_announced_and_withdrawn(world: World) -> None:
    pair = world.connect()
    lte = pair.client.open_subflow(world.lte)
    here, other = world.events(pair.client), world.events(pair.server)

    assert pair.client.announce(world.lte) == lte.local_id
    (told,) = until(other, EventKind.ANNOUNCED)
    port = pair.client.getsockname()[1]
    assert told == {
        "kind": EventKind.ANNOUNCED,
        "remote": (world.lte, port),
        "remote_id": lte.local_id,
    }
    pair.client.withdraw(lte.local_id)

    assert until(other, EventKind.SUB_CLOSED)[0] == {
        "kind": EventKind.REMOVED,
        "remote_id": lte.local_id,
    }
    until(here, EventKind.SUB_CLOSED)
    assert ids(pair.client) == [1]
    with pytest.raises(InvalidArgument, match="address id 9: the connection has no such"):
        pair.client.withdraw(9)


def the_kernel_manages_the_paths(world: World) -> None:
    with world.at_client():
        mptcpapi.set_path_manager("kernel")
    client = world.connect().client

    assert client.path_manager() == "kernel"
    for change in (
        lambda: client.open_subflow(world.lte),
        lambda: client.close_subflow(1),
        lambda: client.set_backup(1, True),
        lambda: client.announce(world.lte),
    ):
        with pytest.raises(PathManagerNotUserspace, match=r"net\.mptcp\.pm_type=1") as refusal:
            change()
        assert refusal.value.errno == EINVAL
    client.abort_subflow(1)
    assert ids(client) == []


def limits(world: World) -> None:
    with world.at_server():
        assert mptcpapi.set_limits(subflows=3) == mptcpapi.limits()
        assert mptcpapi.limits().subflows == 3
        with pytest.raises(KernelRefused, match="limits"):
            mptcpapi.set_limits(subflows=9)


# --- the wrong socket, the wrong argument


def fallback(world: World) -> None:
    with world.at_server():
        server = socket.create_server(("127.0.0.1", 0))
    with server, world.at_server():  # one host, so that the fake's loopback is the kernel's
        with pytest.raises(FallenBack, match="pass fallback=True") as refusal:
            mptcpapi.create_connection(server.getsockname())
        assert refusal.value.errno == EOPNOTSUPP
        with mptcpapi.create_connection(server.getsockname(), fallback=True) as client:
            accepted = [server.accept()[0] for _ in range(2)]
            client.sendall(b"hello")
            assert accepted[1].recv(5) == b"hello"
            assert not client.in_use()
            for operation in every_operation(world.lte).values():
                with pytest.raises(FallenBack, match="is TCP"):
                    operation(client)
            (mine,) = (
                each for each in mptcpapi.connections() if each.local == client.getsockname()
            )
            assert (mine.remote, mine.fallback) == (client.getpeername(), True)
            assert (mine.path_manager, len(mine.owners), mine.token > 0) == (None, 1, True)
            with pytest.raises(FallenBack, match=f"{mine.token:08x} has fallen back"):
                Borrowed.of_token(mine.token)
            for each in accepted:
                each.close()


def every_operation(local: str) -> dict[str, Callable[[Any], object]]:
    return {
        "token": mptcpapi.token,
        "subflows": mptcpapi.subflows,
        "mptcp_info": mptcpapi.mptcp_info,
        "tcp_info": lambda sock: mptcpapi.tcp_info(sock, 1),
        "open": lambda sock: mptcpapi.open_subflow(sock, local),
        "close": lambda sock: mptcpapi.close_subflow(sock, 1),
        "abort": lambda sock: mptcpapi.abort_subflow(sock, 1),
        "set_backup": lambda sock: mptcpapi.set_backup(sock, 1, True),
        "announce": lambda sock: mptcpapi.announce(sock, local),
        "withdraw": lambda sock: mptcpapi.withdraw(sock, 1),
        "path_manager": mptcpapi.path_manager,
        "events": EventStream.of_connection,
    }


def wrong_sockets(world: World) -> None:
    listener = world.listen()
    with world.at_client(), Socket() as unconnected:
        assert unconnected.in_use()
        assert unconnected.token() == listener.token() == 0
        assert unconnected.subflows() == listener.subflows() == ()
        for name in ("open", "close", "abort", "set_backup", "announce", "withdraw"):
            for sock in (unconnected, listener):
                with pytest.raises(ConnectionEnded, match="not connected") as refusal:
                    every_operation(world.lte)[name](sock)
                assert refusal.value.errno == ENOTCONN
    for operation in every_operation(world.lte).values():
        with pytest.raises(SocketClosed, match="closed") as closed:
            operation(unconnected)
        assert closed.value.errno == EBADF
        with pytest.raises(SocketClosed, match="descriptor 987654 is closed"):
            operation(987654)
        with open(os.devnull) as file, pytest.raises(InvalidArgument, match="is not a socket"):  # noqa: PTH123
            operation(file)


def wrong_arguments(world: World) -> None:
    client = world.connect().client
    other = world.connect().client
    foreign = other.open_subflow(world.lte)

    for which in (0, 2, 99, -1, True, 1.0, "1", foreign):
        for change in (client.close_subflow, client.abort_subflow, client.tcp_info):
            with pytest.raises(NoSuchSubflow, match="no such subflow as") as refusal:
                change(which)
            assert refusal.value.errno == EINVAL
    for arguments in ((("10.0.2.1", 70000),), ("no such host",), (world.lte, "::1" if world.version == 4 else "1.2.3.4")):  # fmt: skip # noqa: E501
        with pytest.raises(InvalidArgument):
            client.open_subflow(*arguments)
    with pytest.raises(InvalidArgument, match="expected SHUT_RD"):
        client.close_subflow(1, 7)
    assert ids(client) == [1]


# --- the end


def the_peer_shuts_down(world: World) -> None:
    pair = world.connect()
    lte = pair.client.open_subflow(world.lte)

    pair.server.shutdown(socket.SHUT_WR)

    assert pair.client.recv(1) == b""
    assert ids(pair.client) == [1, lte.id]
    with pytest.raises(ConnectionEnded, match="is being closed and takes no more subflows"):
        pair.client.open_subflow(world.lte)
    carry(pair.client, pair.server)
    pair.client.close_subflow(lte)
    assert ids(pair.client) == [1]


def the_peer_closes_the_connection(world: World) -> None:
    pair = world.connect()
    events = world.events(pair.client, seed=True)
    pair.server.close()

    assert pair.client.recv(1) == b""
    with pytest.raises(ConnectionEnded, match="is being closed and takes no more subflows"):
        pair.client.open_subflow(world.lte)
    assert pair.client.in_use()
    (first,) = pair.client.subflow_details()
    pair.client.close()

    ends = {"local": first.local, "remote": first.remote, "inferred": True}
    assert until(events, EventKind.CLOSED) == [
        {"kind": EventKind.ESTABLISHED, **ends},
        {"kind": EventKind.SUB_CLOSED, **ends},
        {"kind": EventKind.CLOSED},
    ]


def the_peer_aborts_the_connection(world: World) -> None:
    pair = world.connect()
    pair.client.open_subflow(world.lte)
    other = world.events(pair.server, seed=True)
    pair.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORTIVE)
    pair.server.close()

    wait(lambda: ids(pair.client) == [])
    assert len(until(other, EventKind.CLOSED)) == 5
    for name in ("open", "close", "abort", "set_backup", "announce", "path_manager"):
        with pytest.raises(ConnectionEnded, match=r"not any more|ended during the call"):
            every_operation(world.lte)[name](pair.client)
    with pytest.raises(NoSuchSubflow):
        pair.client.tcp_info(1)
    with pytest.raises(OSError, match="not connected"):
        pair.client.getpeername()
    with pytest.raises(ConnectionResetError):
        pair.client.recv(1)


def the_end_is_told_when_the_peer_aborts(world: World) -> None:
    everything = world.all_events()
    pair = world.connect()
    token = pair.client.token()
    pair.client.open_subflow(world.lte)
    ends = ends_of(pair.client)
    events = world.events(pair.client)
    abort(pair.server)

    assert until(events, EventKind.CLOSED) == ends
    told = until_closed(everything, token)
    assert [described(each) for each in told if each.inferred and each.token == token] == ends
    pair.client.close()
    assert token not in ends_until_another(world, everything)
    assert events.next(0) is None


def the_end_is_told_once(world: World) -> None:
    """Then the application closes its socket, and the kernel says CLOSED itself."""
    for has_data in (False, True):
        everything = world.all_events()
        pair = world.connect(exchange=has_data)
        token, ends = pair.client.token(), ends_of(pair.client)
        events = world.events(pair.client)
        if has_data:
            shut_down(pair.client)
            shut_down(pair.server)
        else:
            abort(pair.server)

        assert until(events, EventKind.CLOSED) == ends
        assert described(until_closed(everything, token)[-1]) == ends[-1]
        pair.client.close()
        assert token not in ends_until_another(world, everything)
        assert events.next(0) is None


def what_is_being_closed_has_not_ended(world: World) -> None:
    everything = world.all_events()
    idle, closing = world.connect(), world.connect()
    shut_down(closing.server)
    assert closing.client.recv(1) == b""
    living = {pair.client.token() for pair in (idle, closing)}

    assert living.isdisjoint(ends_until_another(world, everything))
    token = closing.client.token()
    closing.client.close()
    assert [each.inferred for each in until_closed(everything, token)][-2:] == [True, False]


def abort(sock: Socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORTIVE)
    sock.close()


def shut_down(sock: Socket) -> None:
    sock.shutdown(socket.SHUT_WR)


def ends_of(sock: Socket) -> list[dict[str, Any]]:
    """What is told of the end of a connection where the kernel says nothing."""
    subflows = [
        {"kind": EventKind.SUB_CLOSED, "local": each.local, "remote": each.remote, "inferred": True}
        for each in sock.subflows()
    ]
    return [*subflows, {"kind": EventKind.CLOSED, "inferred": True}]


def until_closed(events: EventStream, token: int) -> list[Event]:
    """The events up to the end of this connection; the test fails if it is not told."""
    seen = []
    for event in events.within(5):
        seen.append(event)
        if (event.kind, event.token) == (EventKind.CLOSED, token):
            return seen
    raise AssertionError(f"the end of {token:08x} was not told, but {seen}")


def ends_until_another(world: World, events: EventStream) -> set[int | None]:
    """The connections that ended until another one was reset, too, which is made now."""
    pair = world.connect()
    token = pair.client.token()
    abort(pair.server)
    ends = (event for event in until_closed(events, token) if event.kind is EventKind.CLOSED)
    return {event.token for event in ends}


def unread_data_aborts_the_connection(world: World) -> None:
    pair = world.connect()
    pair.client.sendall(b"unread")
    pair.server.recv(6, socket.MSG_PEEK)
    pair.server.close()

    wait(lambda: ids(pair.client) == [])
    with pytest.raises(ConnectionResetError):
        pair.client.recv(1)


def the_connection_ends_during_a_call(world: World) -> None:
    pair = world.connect()
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            pair.client.open_subflow(world.lte, world.silent)
        except mptcpapi.MptcpError as error:
            errors.append(error)

    caller = threading.Thread(target=attempt)
    caller.start()
    wait(lambda: TcpState.SYN_SENT in [each.state for each in pair.client.subflows()])
    pair.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORTIVE)
    pair.server.close()
    caller.join(5)

    assert [type(error) for error in errors] == [ConnectionEnded], errors


# --- figures, options, asyncio


def figures(world: World) -> None:
    pair = world.connect()
    carry(pair.client, pair.server, b"hello")
    lte = pair.client.open_subflow(world.lte)

    wait(lambda: pair.client.mptcp_info().bytes_acked == 6)  # acknowledgements can be late
    info = pair.client.mptcp_info()

    assert (info.token, info.remote_key_received) == (pair.client.token(), True)
    assert (info.bytes_sent, info.bytes_received) == (6, 1)
    assert (info.subflows, info.subflows_total) == (1, 2)
    assert pair.server.mptcp_info().bytes_received == 6
    assert pair.client.tcp_info(1).bytes_sent == 6
    assert pair.client.tcp_info(lte).state is TcpState.ESTABLISHED
    assert pair.client.tcp_info(lte).rtt > 0


def options_of_one_subflow(world: World) -> None:
    client = world.connect().client
    lte = client.open_subflow(world.lte)
    option = (socket.IPPROTO_IP, socket.IP_TOS)
    try:
        client.set_subflow_option(lte, *option, 0x28)
    except MachineError as refused:
        pytest.skip(refused.strerror)

    assert client.get_subflow_option(lte, *option) == 0x28
    assert client.get_subflow_option(1, *option) == 0
    name = (socket.IPPROTO_TCP, socket.TCP_CONGESTION)
    with pytest.raises(KernelRefused, match="TCP_CONGESTION of subflow 2"):
        client.set_subflow_option(lte, *name, b"no such")
    assert client.get_subflow_option(lte, *name, 16).rstrip(b"\0").isalnum()
    kind = client.get_subflow_option(lte, socket.SOL_SOCKET, socket.SO_TYPE)
    assert kind == socket.SOCK_STREAM


def asyncio_streams(world: World) -> None:
    async def talk() -> list[EventKind]:
        served = asyncio.Event()

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(5))
            await reader.read()
            writer.close()
            await writer.wait_closed()
            served.set()

        with world.at_server():
            server = await aio.start_server(echo, world.server, 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with world.at_client():
                source = (world.wifi, 0)
                reader, writer = await aio.open_connection(world.server, port, local_addr=source)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            events = aio.events(writer)
            lte = await aio.open_subflow(writer, world.lte, backup=True)
            assert not (await aio.set_backup(writer, lte, False)).backup
            await aio.close_subflow(writer, lte)
            writer.close()
            await writer.wait_closed()
            await asyncio.wait_for(served.wait(), 5)
            return [event.kind async for event in events]

    assert asyncio.run(talk()) == [
        EventKind.SUB_ESTABLISHED,
        EventKind.SUB_CLOSED,
        EventKind.SUB_CLOSED,
        EventKind.CLOSED,
    ]


CASES: tuple[Case, ...] = (
    the_initial_subflow_is_listed_at_both_ends,
    no_subflow_before_data_was_carried,
    opening,
    the_initial_events,
    backup_from_the_first_packet,
    subflows_of_one_address,
    through_an_interface,
    nobody_listens,
    the_peer_takes_no_more,
    nobody_answers,
    a_path_that_is_cut,
    local_addresses_that_cannot_be,
    priorities,
    closing,
    ids_are_never_used_again,
    the_initial_subflow_is_closed,
    a_connection_without_subflows_is_revived,
    aborting,
    the_peer_closes,
    addresses_are_announced_and_withdrawn,
    the_kernel_manages_the_paths,
    limits,
    fallback,
    wrong_sockets,
    wrong_arguments,
    the_peer_shuts_down,
    the_peer_closes_the_connection,
    the_peer_aborts_the_connection,
    the_end_is_told_when_the_peer_aborts,
    the_end_is_told_once,
    what_is_being_closed_has_not_ended,
    unread_data_aborts_the_connection,
    the_connection_ends_during_a_call,
    figures,
    options_of_one_subflow,
    asyncio_streams,
)

OVER_IPV6: tuple[Case, ...] = (
    opening,
    nobody_listens,
    priorities,
    aborting,
    the_initial_subflow_is_closed,
)

RUNS = [pytest.param(case, 4, id=case.__name__) for case in CASES] + [
    pytest.param(case, 6, id=f"{case.__name__}-ipv6") for case in OVER_IPV6
]
