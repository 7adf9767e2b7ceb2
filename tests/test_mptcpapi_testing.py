"""What a test can do to the world of a fake stack, and what is left of it."""

import select
import socket
from collections.abc import Iterator
from dataclasses import replace
from errno import EBADF, ECONNRESET, EINVAL, ENOPROTOOPT, EPERM, EPROTONOSUPPORT
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from contract_cases import ids
from contract_worlds import FakeWorld, Pair, carry

import mptcpapi
from mptcpapi import (
    AddressFlag,
    EventKind,
    EventsLost,
    FallenBack,
    InvalidArgument,
    KernelRefused,
    NoPrivilege,
    NoSuchSubflow,
    Socket,
    SocketClosed,
    SubflowRefused,
    Unavailable,
    syscalls,
)
from mptcpapi.testing import FakeStack


@pytest.fixture
def world() -> Iterator[FakeWorld]:
    with FakeWorld() as made:
        yield made


@pytest.fixture
def stack(world: FakeWorld) -> FakeStack:
    return world.stack


@pytest.fixture
def pair(world: FakeWorld) -> Pair:
    return world.connect()


def test_data_waits_while_every_path_is_cut(stack: FakeStack, pair: Pair) -> None:
    stack.cut("wifi")
    pair.client.sendall(b"late")
    assert not select.select([pair.server], [], [], 0.1)[0]

    stack.mend("wifi")

    assert pair.server.recv(4) == b"late"


def test_a_second_path_lets_data_through(stack: FakeStack, pair: Pair) -> None:
    stack.cut("wifi")
    pair.client.sendall(b"late")
    assert not select.select([pair.server], [], [], 0.1)[0]

    pair.client.open_subflow(stack.address("lte"))

    assert pair.server.recv(4) == b"late"


def test_a_peer_that_admits_again(stack: FakeStack, pair: Pair) -> None:
    stack.refuse("10.0.9.2", ECONNRESET)
    with pytest.raises(SubflowRefused):
        pair.client.open_subflow("10.0.2.1")

    stack.admit("10.0.9.2")

    assert pair.client.open_subflow("10.0.2.1").fully_established


def test_what_the_peer_does(world: FakeWorld, stack: FakeStack, pair: Pair) -> None:
    one, two = (pair.client.open_subflow("10.0.2.1") for _ in range(2))
    events = world.events(pair.client)

    stack.peer_sets_backup(one, True)
    stack.peer_closes(one)
    stack.peer_aborts(two)

    assert [(event.kind, event.local, event.error) for event in events.within(0)] == [
        (EventKind.SUB_PRIORITY, one.local, None),
        (EventKind.SUB_CLOSED, one.local, None),
        (EventKind.SUB_CLOSED, two.local, ECONNRESET),
    ]
    assert ids(pair.client) == ids(pair.server) == [1]
    with pytest.raises(NoSuchSubflow):
        stack.peer_closes(one)


def test_a_server_listens_at_what_it_announces(stack: FakeStack, pair: Pair) -> None:
    """In the fake's network, where its addresses are; the machine has no such address."""
    pair.listener.close()
    number = pair.server.announce("10.0.9.2", listen=True)

    joined = pair.client.open_subflow("10.0.2.1", "10.0.9.2")
    pair.server.withdraw(number)

    assert joined.fully_established
    with pytest.raises(SubflowRefused):
        pair.client.open_subflow("10.0.2.1", "10.0.9.2")


def test_a_connection_falls_back(stack: FakeStack, pair: Pair) -> None:
    lte = pair.client.open_subflow("10.0.2.1")
    with pytest.raises(InvalidArgument, match="one subflow can fall back"):
        stack.fallback(pair.client)
    pair.client.close_subflow(lte)

    stack.fallback(pair.client)

    for end in (pair.client, pair.server):
        assert not end.in_use()
        with pytest.raises(FallenBack):
            end.subflows()
    carry(pair.client, pair.server, b"over TCP")


def test_all_that_comes_falls_back(world: FakeWorld, stack: FakeStack) -> None:
    stack.fallback()
    listener = world.listen()

    with pytest.raises(FallenBack):
        mptcpapi.create_connection(listener.getsockname())
    with mptcpapi.create_connection(listener.getsockname(), fallback=True) as client:
        listener.accept()[0].close()
        server, _ = listener.accept()
        with server:
            carry(client, server)
            assert (client.in_use(), server.in_use(), server.proto) == (False, False, 6)
            assert client.getpeername() == server.getsockname() == listener.getsockname()


@pytest.mark.parametrize("code", [ENOPROTOOPT, EPROTONOSUPPORT])
def test_no_mptcp(world: FakeWorld, stack: FakeStack, code: int) -> None:
    listener = world.listen()
    stack.disable(code)

    with pytest.raises(Unavailable) as refusal:
        Socket()
    assert refusal.value.errno == code
    with mptcpapi.create_connection(listener.getsockname(), fallback=True) as client:
        assert not client.in_use()
        assert client.getpeername() == listener.getsockname()


def test_no_privilege(stack: FakeStack, pair: Pair) -> None:
    lte = pair.client.open_subflow("10.0.2.1")
    stack.no_privilege()
    tos = (socket.IPPROTO_IP, socket.IP_TOS)

    assert pair.client.subflow_details()[1] == lte
    for forbidden in (
        lambda: pair.client.open_subflow("10.0.2.1"),
        lambda: pair.client.close_subflow(lte),
        lambda: pair.client.abort_subflow(lte),
        lambda: pair.client.set_backup(lte, True),
        lambda: pair.client.set_subflow_option(lte, *tos, 8),
        lambda: mptcpapi.set_path_manager("kernel"),
        lambda: mptcpapi.EventStream.of_connection(pair.client),
    ):
        with pytest.raises(NoPrivilege) as refusal:
            forbidden()
        assert refusal.value.errno == EPERM


def test_events_that_are_lost(world: FakeWorld, stack: FakeStack, pair: Pair) -> None:
    events = world.events(pair.client)
    stack.lose_events()
    lte = pair.client.open_subflow("10.0.2.1")

    with pytest.raises(EventsLost):
        events.next(1)
    told = events.next(1)

    assert told is not None
    assert (told.kind, told.local) == (EventKind.SUB_ESTABLISHED, lte.local)


def test_an_acceptor_under_the_kernels_path_manager() -> None:
    with (
        FakeStack(peer_path_manager="kernel"),
        mptcpapi.create_server(("10.0.9.2", 0)) as listener,
        mptcpapi.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        carry(client, server)
        mptcpapi.set_limits(subflows=1)
        client.open_subflow("10.0.2.1")
        with pytest.raises(SubflowRefused, match="takes no more"):
            client.open_subflow("10.0.2.1")


def test_there_are_no_endpoints(stack: FakeStack) -> None:
    assert mptcpapi.endpoints() == ()
    with pytest.raises(KernelRefused):
        mptcpapi.add_endpoint("10.0.2.1", AddressFlag.SUBFLOW)


def test_a_path_that_does_not_exist(stack: FakeStack) -> None:
    with pytest.raises(InvalidArgument, match=r"path 'wlan'.*\(wifi, lte\)"):
        stack.cut("wlan")
    with pytest.raises(InvalidArgument, match="expected an IP address"):
        FakeStack({"wifi": "home"})


@pytest.mark.parametrize(
    "arguments",
    [
        {"paths": {"wifi": "10.0.1.1", "lte": "10.0.1.1"}},
        {"paths": {"wifi": "10.0.9.2"}},
        {"peers": ["10.0.9.2", "::ffff:10.0.9.2"]},
        {"peers": ["127.0.0.1"]},
        {"peers": ["224.0.0.1"]},
        {"peers": "10.0.9.2"},
        {"peers": 5},
        {"peers": [None]},
        {"paths": ["10.0.1.1"]},
        {"paths": {"": "10.0.1.1"}},
        {"paths": {5: "10.0.1.1"}},
        {"paths": {"wifi": 5}},
        {"paths": {"wifi": ["10.0.1.1"]}},
        {"paths": {"10.0.3.1": "10.0.1.1"}},
        {"path_manager": "mptcpd"},
        {"path_manager": None},
        {"peer_path_manager": []},
    ],
    ids=repr,
)
def test_a_stack_that_cannot_be(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"expected|used twice") as refusal:
        FakeStack(**arguments)
    assert refusal.value.errno == EINVAL


ODD = [None, 5, 5.5, True, b"wifi", "", "wlan", [], {}]


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("name", ["address", "cut", "mend", "refuse", "admit"])
def test_something_that_is_no_path(stack: FakeStack, name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match="neither such a path nor such an address"):
        getattr(stack, name)(value)


@pytest.mark.parametrize("value", [*ODD, 1, 0, -1, "1"], ids=repr)
@pytest.mark.parametrize("name", ["peer_closes", "peer_aborts", "peer_sets_backup"])
def test_something_that_is_no_subflow(stack: FakeStack, pair: Pair, name: str, value: Any) -> None:
    more = [True] if name == "peer_sets_backup" else []
    with pytest.raises(InvalidArgument, match="an id does not say of which connection"):
        getattr(stack, name)(value, *more)
    assert ids(pair.client) == [1]


def test_a_subflow_that_is_none_of_this_stack(stack: FakeStack, pair: Pair) -> None:
    (mine,) = pair.client.subflows()
    for other in (replace(mine, id=7), replace(mine, local=mine.remote)):
        with pytest.raises(NoSuchSubflow):
            stack.peer_aborts(other)
    for backup in (None, 1, "yes"):
        with pytest.raises(InvalidArgument, match="expected True or False"):
            stack.peer_sets_backup(mine, backup)  # type: ignore[arg-type]
    assert ids(pair.client) == [1]


@pytest.mark.parametrize("code", [None, 0, -1, True, "ECONNREFUSED", EBADF, 9999, []], ids=repr)
def test_errnos_that_say_something_else(stack: FakeStack, code: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected one of ECONNREFUSED, ECONNRESET"):
        stack.refuse("lte", code)
    with pytest.raises(InvalidArgument, match="expected one of EINVAL, EPROTONOSUPPORT"):
        stack.disable(code)
    Socket().close()


def test_what_cannot_fall_back(world: FakeWorld, stack: FakeStack, pair: Pair) -> None:
    with Socket() as closed, socket.socket() as tcp:
        pass
    for sock in (closed, tcp, 987654):
        with pytest.raises(SocketClosed):
            stack.fallback(sock)
    with Path("/dev/null").open() as file:
        for other in (pair.listener, "x", True, object(), file):
            with pytest.raises(InvalidArgument):
                stack.fallback(other)  # type: ignore[arg-type]
    with socket.socket() as tcp, pytest.raises(InvalidArgument, match="only an MPTCP connection"):
        stack.fallback(tcp)
    assert pair.client.in_use()


def test_a_socket_of_a_stack_that_was_left() -> None:
    with FakeStack(), mptcpapi.create_server(("10.0.9.2", 0)) as listener:
        old = mptcpapi.create_connection(listener.getsockname())
    with old, FakeStack() as stack:
        with pytest.raises(InvalidArgument):
            stack.fallback(old)
        for operation in (mptcpapi.subflows, mptcpapi.open_subflow):
            with pytest.raises(FallenBack):
                operation(old)
        assert mptcpapi.connections() == ()


def test_nothing_leaves_the_loopback_interface(world: FakeWorld, pair: Pair) -> None:
    for end in pair:
        for name in (socket.socket.getsockname(end), socket.socket.getsockname(pair.listener)):
            assert ip_address(name[0]).is_loopback
    with Socket() as nowhere, pytest.raises(OSError, match="unreachable"):
        nowhere.connect(("192.0.2.1", 80))


def test_a_client_without_mptcp(world: FakeWorld) -> None:
    with (
        mptcpapi.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as server,
    ):
        assert (server.proto, server.in_use()) == (socket.IPPROTO_TCP, False)


def test_a_duplicate_keeps_the_connection(pair: Pair) -> None:
    with pair.client.dup() as twin:
        pair.client.close()
        assert ids(twin) == [1]
        carry(twin, pair.server)


def test_dual_stack(world: FakeWorld) -> None:
    any_address = ("::", 0)
    family = socket.AF_INET6
    with mptcpapi.create_server(any_address, family=family, dualstack_ipv6=True) as listener:
        address = ("10.0.9.2", listener.getsockname()[1])
        with mptcpapi.create_connection(address) as client:
            server, _ = listener.accept()
            with server:
                (subflow,) = server.subflow_details()
                assert subflow.remote == client.getsockname()


def test_a_class_of_the_application_keeps_its_own_methods(world: FakeWorld) -> None:
    class Counted(Socket):
        sent = 0

        def sendall(self, data: bytes) -> None:  # type: ignore[override]
            self.sent += len(data)
            super().sendall(data)

    listener = world.listen()
    with Counted() as client:
        client.connect(listener.getsockname())
        client.sendall(b"hello")
        assert isinstance(client, Counted)
        assert (client.sent, client.in_use()) == (5, True)


def test_what_was_there_before_comes_back() -> None:
    before = syscalls.current
    with FakeStack():
        assert syscalls.current is not before
        with pytest.raises(InvalidArgument, match="there is a FakeStack already"):
            FakeStack().__enter__()

    assert syscalls.current is before
    assert "__new__" not in vars(Socket)
    with Socket(fileno=socket.socket().detach()) as real:
        assert type(real) is Socket
