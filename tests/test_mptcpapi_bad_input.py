"""Every operation with every argument that cannot be: a documented error at once, and no leak."""

import asyncio
import ctypes
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from errno import EBADF, EINVAL, EMFILE, ENOTCONN, EOPNOTSUPP, EPERM
from itertools import count, islice
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import pytest
from own_process import descriptors, left

import mptcpapi
from mptcpapi import (
    AddressFlag,
    ConnectionEnded,
    EventStream,
    FallenBack,
    InvalidArgument,
    KernelRefused,
    MptcpError,
    NoPrivilege,
    NoSuchSubflow,
    Socket,
    SocketClosed,
    Subflow,
    Unavailable,
    Unsupported,
    aio,
    draft,
)

HERE = "127.0.0.1"
CAP_NET_ADMIN = 12
_LINUX_CAPABILITY_VERSION_3 = 0x20080522

_LIMIT = 8
"""Seconds: less than the 10 that a call may wait; whatever takes longer did not see the mistake."""


class Operation(NamedTuple):
    """A function, and arguments that it can be called with, each by the kind of value it is."""

    call: Callable[..., object]
    arguments: dict[str, tuple[str, Any]]
    """Kind and good value by name; the kinds are those of ``BAD``."""


def awaited(call: Callable[..., Any]) -> Callable[..., object]:
    def run(*arguments: Any, **options: Any) -> object:
        async def main() -> object:
            return await call(*arguments, **options)

        return asyncio.run(main())

    return run


def next_event(timeout: Any) -> object:
    with EventStream.of_namespace() as events:
        return events.next(timeout)


def of_a_socket(name: str) -> Operation:
    """A method that takes an address, of a socket that is closed afterwards."""

    def call(address: Any) -> object:
        with Socket() as sock:
            return getattr(sock, name)(address)

    return Operation(call, PLACE)


PLACE = {"address": ("place", (HERE, 0))}
SOCKET = ("connection", None)
"""The good one is made when the test runs."""
SUBFLOW = ("subflow", 1)
TIMEOUT = ("timeout", 0)
OPENING = {
    "sock": SOCKET,
    "local": ("address", HERE),
    "remote": ("address", HERE),
    "backup": ("flag", False),
    "interface": ("interface", "lo"),
    "timeout": TIMEOUT,
}
CLOSING = {"sock": SOCKET, "subflow": SUBFLOW, "how": ("how", 2), "timeout": TIMEOUT}
ABORTING = {"sock": SOCKET, "subflow": SUBFLOW, "timeout": TIMEOUT}
PRIORITY = {"sock": SOCKET, "subflow": SUBFLOW, "backup": ("flag", True), "timeout": TIMEOUT}
OPTION = {
    "sock": ("mptcp", None),
    "subflow": SUBFLOW,
    "level": ("option", socket.SOL_SOCKET),
    "name": ("option", socket.SO_TYPE),
}
ANNOUNCING = {"sock": SOCKET, "address": ("address", HERE), "id": ("address id", 9)}
ID_OF_SUBFLOW = {"sock": ("mptcp", None), "id": SUBFLOW}


def at_connection(names: dict[str, tuple[str, Any]]) -> dict[str, tuple[str, Any]]:
    """The arguments as `mptcpapi.aio` names them."""
    return {("connection" if name == "sock" else name): each for name, each in names.items()}


CREATING = {
    "Socket.bind": of_a_socket("bind"),
    "Socket.connect": of_a_socket("connect"),
    "Socket.connect_ex": of_a_socket("connect_ex"),
    "create_server": Operation(mptcpapi.create_server, PLACE),
    "create_connection": Operation(
        mptcpapi.create_connection, PLACE | {"source_address": ("own place", (HERE, 0))}
    ),
    "aio.open_connection": Operation(
        lambda address: awaited(aio.open_connection)(*address), {"address": ("host and port", 0)}
    ),
    "aio.start_server": Operation(
        lambda address: awaited(aio.start_server)(print, *address),
        {"address": ("host and port", 0)},
    ),
}
"""Which make a socket, or the standard library does the most of it."""
OPERATIONS = {
    "connections": Operation(mptcpapi.connections, {}),
    "in_use": Operation(mptcpapi.in_use, {"sock": ("socket", None)}),
    "token": Operation(mptcpapi.token, {"sock": ("mptcp", None)}),
    "subflow_details": Operation(mptcpapi.subflow_details, {"sock": ("mptcp", None)}),
    "subflows": Operation(mptcpapi.subflows, {"sock": ("mptcp", None)}),
    "mptcp_info": Operation(mptcpapi.mptcp_info, {"sock": ("mptcp", None)}),
    "tcp_info": Operation(mptcpapi.tcp_info, {"sock": ("mptcp", None), "subflow": SUBFLOW}),
    "open_subflow": Operation(mptcpapi.open_subflow, OPENING),
    "close_subflow": Operation(mptcpapi.close_subflow, CLOSING),
    "abort_subflow": Operation(mptcpapi.abort_subflow, ABORTING),
    "set_backup": Operation(mptcpapi.set_backup, PRIORITY),
    "path_manager": Operation(mptcpapi.path_manager, {"sock": SOCKET}),
    "announce": Operation(mptcpapi.announce, ANNOUNCING),
    "withdraw": Operation(mptcpapi.withdraw, {"sock": SOCKET, "id": ("known address id", 0)}),
    "get_subflow_option": Operation(
        mptcpapi.get_subflow_option, {**OPTION, "length": ("length", 4)}
    ),
    "set_subflow_option": Operation(
        mptcpapi.set_subflow_option,
        {**OPTION, "name": ("option", socket.SO_MARK), "value": ("value", 5)},
    ),
    "EventStream.of_connection": Operation(EventStream.of_connection, {"sock": SOCKET}),
    "EventStream.of_namespace": Operation(EventStream.of_namespace, {"sock": ("socket", None)}),
    "EventStream.next": Operation(next_event, {"timeout": TIMEOUT}),
    "set_path_manager": Operation(mptcpapi.set_path_manager, {"name": ("manager", "kernel")}),
    "add_endpoint": Operation(
        mptcpapi.add_endpoint,
        {
            "address": ("any address", "127.0.0.9"),
            "flags": ("flags", AddressFlag.SIGNAL),
            "id": ("address id", 9),
            "interface": ("interface", "lo"),
        },
    ),
    "remove_endpoint": Operation(mptcpapi.remove_endpoint, {"endpoint": ("endpoint", 9)}),
    "set_limits": Operation(
        mptcpapi.set_limits, {"subflows": ("limit", 2), "add_addr_accepted": ("limit", 0)}
    ),
    "aio.open_subflow": Operation(awaited(aio.open_subflow), at_connection(OPENING)),
    "aio.close_subflow": Operation(awaited(aio.close_subflow), at_connection(CLOSING)),
    "aio.abort_subflow": Operation(awaited(aio.abort_subflow), at_connection(ABORTING)),
    "aio.announce": Operation(awaited(aio.announce), at_connection(ANNOUNCING)),
    "aio.withdraw": Operation(
        awaited(aio.withdraw), {"connection": SOCKET, "id": ("known address id", 0)}
    ),
    "aio.set_backup": Operation(awaited(aio.set_backup), at_connection(PRIORITY)),
    "aio.events": Operation(aio.events, {"connection": SOCKET}),
    "draft.make_flow": Operation(
        draft.make_flow,
        {
            "source_host": ("host", HERE),
            "source_port": ("port", 0),
            "dest_host": ("host", HERE),
            "dest_port": ("port", 0),
        },
    ),
    "draft.open_sub": Operation(
        draft.open_sub,
        {
            "sock": SOCKET,
            "flow": ("flow", draft.make_flow(HERE, 0, HERE, 0)),
            "timeout": TIMEOUT,
        },
    ),
    "draft.close_sub": Operation(
        draft.close_sub, {**ID_OF_SUBFLOW, "how": ("how", 2), "timeout": TIMEOUT}
    ),
    "draft.get_sub_ids": Operation(draft.get_sub_ids, {"sock": ("mptcp", None)}),
    "draft.get_sub_tuple": Operation(draft.get_sub_tuple, ID_OF_SUBFLOW),
    "draft.get_sub_info": Operation(draft.get_sub_info, ID_OF_SUBFLOW),
}

Expected = tuple[type[MptcpError], int]
WRONG: Expected = (InvalidArgument, EINVAL)
CLOSED: Expected = (SocketClosed, EBADF)
NO_SUBFLOW: Expected = (NoSuchSubflow, EINVAL)
ENDED: Expected = (ConnectionEnded, ENOTCONN)

NO_SOCKETS: list[tuple[Any, Expected]] = [
    *((value, CLOSED) for value in (-1, -(1 << 40), 987654, 1 << 31, 1 << 40)),
    *((value, WRONG) for value in ("5", b"5", {}, [], 1.5, True, object())),
]
NO_NUMBERS = ["1", b"1", 1.5, 1.0, True, [], {}, object()]
NO_HOSTS = [
    "",
    "10.0.0.256",
    "::1",
    "[::1]:80",
    "no-such-host.invalid",
    "a\0b",
    "x" * 300,
    b"127.0.0.1",
    5,
    {},
    object(),
]
NOT_ONE_HOST = ["224.0.0.1", "255.255.255.255", "ff02::1"]
BAD_PORTS = [-1, 65536, 1 << 40, "80", None, 1.5, True]
ADDRESSES = [
    *NO_HOSTS,
    *NOT_ONE_HOST,
    *((HERE, port) for port in BAD_PORTS),
    (HERE,),
    (),
    {0: HERE, 1: 5},
]

PLACES = [
    *((HERE, port) for port in (-1, 65536, 1 << 40, 1 << 70, 1.5)),
    ("\ud800", 80),
    (5, 80),
]
"""What Python itself has OverflowError, UnicodeError or TypeError for."""

BAD: dict[str, list[tuple[Any, Expected]]] = {
    "subflow": [(value, NO_SUBFLOW) for value in (0, -1, 7, 256, 1 << 40, None, *NO_NUMBERS)],
    "address": [(value, WRONG) for value in ADDRESSES],
    "any address": [(value, WRONG) for value in ADDRESSES if "::1" not in str(value)],
    "place": [(value, WRONG) for value in (*PLACES, HERE, (HERE,), (), None, 5)],
    "own place": [(value, WRONG) for value in (*PLACES, HERE, (HERE,), (), 5)],
    "host and port": [(value, WRONG) for value in PLACES],
    "host": [(value, WRONG) for value in NO_HOSTS if "::1" not in str(value)],
    "port": [(value, WRONG) for value in BAD_PORTS],
    "timeout": [
        (value, WRONG) for value in (-1, float("nan"), float("inf"), 86_401, None, "1", [])
    ],
    "flag": [(value, WRONG) for value in ("yes", 2, 1, 0, None, [], object())],
    "flags": [(value, WRONG) for value in (-1, 1 << 32, None, *NO_NUMBERS)],
    "interface": [
        (value, WRONG) for value in ("", "wlan77", -1, 99_999, 1 << 40, b"lo", *NO_NUMBERS)
    ],
    "how": [(value, WRONG) for value in (3, -1, None, "x", [], {})],
    "address id": [(value, WRONG) for value in (0, -1, 256, 1 << 40, *NO_NUMBERS)],
    "known address id": [(value, WRONG) for value in (99, -1, 256, 1 << 40, None, *NO_NUMBERS)],
    "endpoint": [
        (77, (KernelRefused, EINVAL)),
        *((value, WRONG) for value in (0, -1, 256, 1 << 40, None, *NO_NUMBERS)),
    ],
    "limit": [
        (200, (KernelRefused, EINVAL)),
        *((value, WRONG) for value in (-1, 256, 1 << 40, *NO_NUMBERS)),
    ],
    "manager": [(value, WRONG) for value in ("mptcpd", "", None, 5, [])],
    "option": [(value, (Unsupported, EOPNOTSUPP)) for value in (-1, 12_345, 1 << 40, None, "x")],
    "length": [(value, WRONG) for value in (0, -1, *NO_NUMBERS)],
    "value": [(value, WRONG) for value in (1 << 33, -(1 << 33), "5", None, b"", b"12345", [], {})],
    "flow": [(value, WRONG) for value in (None, "x", (HERE, 0, HERE, 0), 5)],
    "socket": NO_SOCKETS,
    "mptcp": NO_SOCKETS,
    "connection": NO_SOCKETS,
}
CASES = [
    pytest.param(name, argument, value, expected, id=f"{name}-{argument}-{str(value)[:20]!a}")
    for name, operation in (CREATING | OPERATIONS).items()
    for argument, (kind, _) in operation.arguments.items()
    for value, expected in BAD[kind]
]


@pytest.fixture(scope="module")
def client() -> Iterator[Socket]:
    """A connection whose path manager is the userspace one, for what leaves it as it is."""
    with connected() as sock:
        yield sock


@contextmanager
def connected() -> Iterator[Socket]:
    """A connection whose path manager is the userspace one."""
    try:
        mptcpapi.set_path_manager("userspace")
        listener = mptcpapi.create_server((HERE, 0))
    except (NoPrivilege, Unavailable, Unsupported) as reason:
        pytest.skip(str(reason))
    with listener, mptcpapi.create_connection(listener.getsockname()) as made:
        mptcpapi.set_path_manager("kernel")
        server, _ = listener.accept()
        with server:
            for sender, receiver in ((made, server), (server, made)):
                sender.sendall(b"data")
                receiver.recv(4)
            with suppress(MptcpError):  # what is loaded once per process keeps its descriptor
                made.get_subflow_option(1, socket.SOL_SOCKET, socket.SO_MARK)
            yield made


def refusal_of(call: Callable[[], object]) -> BaseException:
    """What the call raises, in time; and it takes no descriptor along."""
    outcome: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as raised:
            outcome.append(raised)

    before = descriptors()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_LIMIT)
    assert not thread.is_alive(), "the call hangs"
    assert outcome, "nothing was raised"
    assert not left(descriptors, before)
    return outcome[0]


def check(raised: BaseException, expected: Expected) -> None:
    kind, number = expected
    assert type(raised) is kind, repr(raised)
    assert isinstance(raised, MptcpError)
    assert raised.errno == number
    sentence = raised.strerror
    assert len(sentence.split()) >= 4
    assert len(sentence) < 500
    assert "\n" not in sentence
    assert "Traceback" not in sentence


def arguments(client: Socket, operation: Operation) -> dict[str, Any]:
    sockets = {"socket", "mptcp", "connection"}
    return {
        name: client if kind in sockets else good
        for name, (kind, good) in operation.arguments.items()
    }


@pytest.mark.parametrize(("name", "argument", "value", "expected"), CASES)
def test_an_argument_that_cannot_be(
    client: Socket, name: str, argument: str, value: object, expected: Expected
) -> None:
    operation = (CREATING | OPERATIONS)[name]
    given = arguments(client, operation) | {argument: value}

    check(refusal_of(lambda: operation.call(**given)), expected)
    assert [subflow.id for subflow in client.subflows()] == [1]


SOCKETS: dict[str, tuple[Callable[[], Any], set[str], Expected]] = {
    "a closed socket": (lambda: closed(Socket()), {"socket", "mptcp", "connection"}, CLOSED),
    "a closed file": (lambda: closed(TemporaryFile()), {"socket", "mptcp"}, CLOSED),  # noqa: SIM115
    "a file": (TemporaryFile, {"socket", "mptcp", "connection"}, WRONG),
    "UDP": (lambda: made(socket.AF_INET, socket.SOCK_DGRAM), {"mptcp", "connection"}, WRONG),
    "UDP over IPv6": (lambda: made(socket.AF_INET6, socket.SOCK_DGRAM), {"mptcp"}, WRONG),
    "AF_UNIX": (lambda: made(socket.AF_UNIX, socket.SOCK_STREAM), {"mptcp", "connection"}, WRONG),
    "TCP": (
        lambda: made(socket.AF_INET, socket.SOCK_STREAM),
        {"mptcp", "connection"},
        (FallenBack, EOPNOTSUPP),
    ),
    "not connected": (Socket, {"connection"}, ENDED),
    "listening": (lambda: mptcpapi.create_server((HERE, 0)), {"connection"}, ENDED),
}
SOCKET_CASES = [
    pytest.param(which, name, argument, id=f"{name}-{which}")
    for which, (_, kinds, _) in SOCKETS.items()
    for name, operation in OPERATIONS.items()
    for argument, (kind, _) in operation.arguments.items()
    if kind in kinds
]


def closed(thing: Any) -> Any:
    thing.close()
    return thing


def made(family: int, kind: int) -> socket.socket:
    return socket.socket(family, kind)


@pytest.mark.parametrize(("which", "name", "argument"), SOCKET_CASES)
def test_a_socket_that_will_not_do(client: Socket, which: str, name: str, argument: str) -> None:
    make, _, expected = SOCKETS[which]
    operation = OPERATIONS[name]
    with ExitStack() as undo:
        sock = make()
        undo.callback(sock.close)
        given = arguments(client, operation) | {argument: sock}
        raised = refusal_of(lambda: operation.call(**given))

    check(raised, expected)
    if which in {"UDP", "UDP over IPv6", "AF_UNIX"}:
        assert "TCP" not in str(raised).replace("MPTCP", "")


def test_a_subflow_of_another_connection(client: Socket) -> None:
    (own,) = client.subflows()
    stranger: Subflow = replace(own, local=own.remote, remote=own.local)

    for name in ("tcp_info", "close_subflow", "abort_subflow", "set_backup"):
        operation = OPERATIONS[name]
        given = arguments(client, operation) | {"subflow": stranger}
        check(refusal_of(lambda: operation.call(**given)), NO_SUBFLOW)  # noqa: B023 - called here


PRIVILEGED = [
    name
    for name, operation in OPERATIONS.items()
    if "connection" in dict(operation.arguments.values())
] + ["EventStream.next", "EventStream.of_namespace", "add_endpoint", "remove_endpoint"]


@pytest.mark.parametrize("name", [*PRIVILEGED, "set_limits"])
def test_without_the_privilege(client: Socket, name: str) -> None:
    """Who has no CAP_NET_ADMIN is told so, with what to do, and nothing is left or changed."""
    operation = OPERATIONS[name]
    given = arguments(client, operation)

    def call() -> object:
        give_up(CAP_NET_ADMIN)
        return operation.call(**given)

    raised = refusal_of(call)

    check(raised, (NoPrivilege, EPERM))
    assert isinstance(raised, PermissionError)
    assert "CAP_NET_ADMIN" in str(raised)
    assert [subflow.id for subflow in client.subflows()] == [1]


def give_up(capability: int) -> None:
    """Take a capability from the calling thread, and from no other (capset(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; once more for 32 and above
    assert libc.capget(header, sets) == 0
    sets[0] &= ~(1 << capability)
    assert libc.capset(header, sets) == 0


@pytest.mark.parametrize("free", range(6))
@pytest.mark.parametrize("name", [name for name in OPERATIONS if not name.startswith("aio.")])
def test_few_descriptors_are_left(name: str, free: int) -> None:
    """An operation that lacks descriptors says so, wherever it is, and gives back what it took."""
    operation = OPERATIONS[name]
    raised: MptcpError | None = None
    with connected() as sock:
        given = arguments(sock, operation)
        before = descriptors()
        with few_descriptors(free):
            try:
                result: Any = operation.call(**given)
            except MptcpError as refused:
                raised = refused
            else:
                if isinstance(result, EventStream):
                    result.close()
        assert not left(descriptors, before)
    if name == "add_endpoint":
        with suppress(KernelRefused):
            mptcpapi.remove_endpoint(9)
    if raised is not None and free == 0:
        check(raised, (KernelRefused, EMFILE))
    assert not isinstance(raised, InvalidArgument | Unsupported | SocketClosed)


@contextmanager
def few_descriptors(free: int) -> Iterator[None]:
    """So many can still be made."""
    used = {each.number for each in descriptors()}
    unused = (number for number in count() if number not in used)
    limit = next(islice(unused, free, None))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_every_public_operation_is_here() -> None:
    values = {"counters", "endpoints", "limits", "create_connection", "create_server"}
    public = {
        name
        for name in mptcpapi.__all__
        if callable(getattr(mptcpapi, name)) and not isinstance(getattr(mptcpapi, name), type)
    }

    assert public - values <= set(OPERATIONS)
