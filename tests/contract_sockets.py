"""The contract, as contract_cases has it: sockets, ports, and the standard library over them."""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing as closing_of
from contextlib import contextmanager
from errno import (
    EADDRINUSE,
    ECONNREFUSED,
    EINVAL,
    EISCONN,
    ENOPROTOOPT,
)
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

import pytest
from contract_cases import Case, ids, until, wait
from contract_worlds import World, carry

import mptcpapi
from mptcpapi import (
    Borrowed,
    ConnectionEnded,
    EventKind,
    FallenBack,
    InvalidArgument,
    NoSuchConnection,
    Socket,
    SubflowRefused,
    TcpState,
    create_connection,
)


def a_socket_that_nobody_closed(world: World) -> None:
    """Python closes it once nobody has it any more, and warns of it."""
    listener = world.listen()
    with world.at_client():
        client = world.keep(create_connection(listener.getsockname()[:2], 5, (world.wifi, 0)))
    accepted = [listener.accept()[0]]
    carry(client, accepted[0])
    events = world.events(accepted[0])
    assert not list(events.within(0))

    with pytest.warns(ResourceWarning, match="unclosed"):
        accepted.clear()

    assert select.select([events], [], [], 5)[0]
    assert client.recv(1) == b""
    assert until(events, EventKind.CLOSED)
    with pytest.raises(ConnectionEnded):
        client.open_subflow(world.lte)


def bare_descriptors(world: World) -> None:
    """The connection ends with its last descriptor, whatever has that."""
    pair = world.connect()
    events = world.events(pair.server)
    fd = os.dup(pair.server.fileno())
    pair.server.close()
    pair.client.open_subflow(world.lte)
    assert [each.id for each in mptcpapi.subflows(fd)] == [1, 2]

    os.close(fd)

    assert pair.client.recv(1) == b""
    assert until(events, EventKind.CLOSED)


ANY, ANY6, HERE, HERE6 = "0.0.0.0", "::", "127.0.0.1", "::1"  # noqa: S104
PLAIN: tuple[tuple[int, int, int], ...] = ()
REUSING = ((socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),)
SHARING = ((socket.SOL_SOCKET, socket.SO_REUSEPORT, 1),)
ONLY6 = ((socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1),)


def bound(world: World, host: str, port: int, options: tuple[tuple[int, int, int], ...]) -> Socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with world.at_server():
        made = world.keep(Socket(family))
    for option in options:
        if option[0] != socket.IPPROTO_IPV6 or family == socket.AF_INET6:
            made.setsockopt(*option)
    made.bind((host, port))
    return made


def ports_that_are_taken(world: World) -> None:
    for first, second, options, is_free in (
        (ANY, world.server, PLAIN, False),
        (world.server, ANY, PLAIN, False),
        (ANY, HERE, REUSING, False),
        (world.server, HERE, PLAIN, True),
        (world.server, world.server, REUSING, False),
        (world.server, world.server, SHARING, True),
        (ANY, world.server, SHARING, True),
        (ANY6, world.server, PLAIN, False),
        (ANY6, ANY, REUSING, False),
        (ANY, ANY6, PLAIN, False),
        (ANY6, ANY, ONLY6, True),
        (ANY6, world.server, ONLY6, True),
        (ANY6, HERE6, ONLY6, False),
        (HERE6, ANY, PLAIN, True),
        (HERE6, ANY6, REUSING, False),
        (f"::ffff:{world.server}", world.server, PLAIN, False),
    ):
        with bound(world, first, 0, options) as one:  # and free its port for the next
            one.listen()
            code = listening_at(world, second, one.getsockname()[1], options)
        assert code == (0 if is_free else EADDRINUSE), (first, second, options)


def listening_at(
    world: World, host: str, port: int, options: tuple[tuple[int, int, int], ...]
) -> int:
    """The errno of it, or 0."""
    try:
        with bound(world, host, port, options) as sock:
            sock.listen()
    except OSError as refused:
        return refused.errno or -1
    return 0


def ports_of_sockets_that_do_not_listen(world: World) -> None:
    one = bound(world, ANY, 0, REUSING)
    port = one.getsockname()[1]
    with pytest.raises(OSError, match="in use"):
        bound(world, world.server, port, PLAIN)
    other = bound(world, world.server, port, REUSING)
    one.listen()

    with pytest.raises(OSError, match="in use") as refusal:
        other.listen()

    assert refusal.value.errno == EADDRINUSE
    one.close()
    other.listen()
    with pytest.raises(OSError, match="Invalid argument"):
        bound(world, "::ffff:127.0.0.1", 0, ONLY6)


def connections_and_their_owners(world: World) -> None:
    pair = world.connect(exchange=False)
    carry(pair.client, pair.server)
    carry(pair.server, pair.client)
    lte = pair.client.open_subflow(world.lte)
    mine = listed(world, pair.client)

    assert mine.local == pair.client.getsockname()[:2]
    assert mine.remote == pair.client.getpeername()[:2]
    assert (mine.state, mine.fallback, mine.subflows) == (TcpState.ESTABLISHED, False, 2)
    assert (mine.inode, mine.uid) == (os.fstat(pair.client.fileno()).st_ino, os.getuid())
    assert [(each.pid, each.fd) for each in mine.owners] == [(os.getpid(), pair.client.fileno())]
    assert mine.path_manager == "userspace"
    assert mine.info.token == mine.token
    pair.client.close_subflow(lte)
    assert listed(world, pair.client).subflows == 1


def listed(world: World, sock: Socket) -> mptcpapi.Connection:
    """A connection of the client as everybody sees it."""
    with world.at_client():
        found = mptcpapi.connections()
    assert sorted(each.token for each in found) == [each.token for each in found]
    (mine,) = (each for each in found if each.token == sock.token())
    return mine


def borrowing(world: World) -> None:
    pair = world.connect()
    fd = pair.client.fileno()
    with world.at_client(), Borrowed.of_token(pair.client.token()) as borrowed:
        assert borrowed.fileno() != fd
        pair.client.close()
        lte = mptcpapi.open_subflow(borrowed, world.lte)
        with Borrowed.of_process(os.getpid(), borrowed.fileno()) as again:
            assert [each.id for each in mptcpapi.subflows(again)] == [1, lte.id]
        mptcpapi.close_subflow(borrowed, lte)
        wait(lambda: ids(pair.server) == [1])
    assert pair.server.recv(1) == b""


def what_cannot_be_borrowed(world: World) -> None:
    listener = world.listen()
    with socket.socket() as tcp:
        for sock, kind in ((listener, ConnectionEnded), (tcp, FallenBack)):
            with pytest.raises(kind, match=f"descriptor {sock.fileno()} of process {os.getpid()}"):
                Borrowed.of_process(os.getpid(), sock.fileno())
    with pytest.raises(NoSuchConnection, match="has the token 00000001"):
        Borrowed.of_token(1)


def calls_that_cannot_be(world: World) -> None:
    client, server, listener = world.connect()
    with world.at_client():
        new, new6 = world.keep(Socket()), world.keep(Socket(socket.AF_INET6))
        plain = world.keep(Socket(proto=socket.IPPROTO_TCP))
    here, there = (world.wifi, 0), listener.getsockname()
    only6 = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    client.connect(there)  # with a timeout: it asks for the outcome of the first
    for call, kind, code in (
        (lambda: new.bind(5), InvalidArgument, EINVAL),
        (lambda: new.bind([*here]), InvalidArgument, EINVAL),
        (lambda: new.bind((*here, 0, 0)), InvalidArgument, EINVAL),
        (lambda: new.bind((None, 0)), InvalidArgument, EINVAL),
        (lambda: new.bind((world.wifi, "80")), InvalidArgument, EINVAL),
        (lambda: new.bind((world.wifi, 70000)), InvalidArgument, EINVAL),
        (lambda: new.bind((world.wifi, -1)), InvalidArgument, EINVAL),
        (lambda: new.connect_ex(5), InvalidArgument, EINVAL),
        (lambda: new.connect((world.server, 70000)), InvalidArgument, EINVAL),
        (lambda: new.connect(("", 9)), OSError, ECONNREFUSED),
        (lambda: client.connect(there), OSError, EISCONN),
        (lambda: server.connect(there), OSError, EISCONN),
        (lambda: listener.connect(there), OSError, EISCONN),
        (lambda: client.bind(here), OSError, EINVAL),
        (client.listen, OSError, EINVAL),
        (server.listen, OSError, EINVAL),
        (lambda: new.setsockopt(*only6, 1), OSError, ENOPROTOOPT),
        (lambda: new.setsockopt(*only6, "x"), TypeError, None),
    ):
        with pytest.raises(kind) as refusal:
            call()
        assert getattr(refusal.value, "errno", None) == code, call
    assert ids(client) == ids(server) == [1]
    assert new.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL, 4) == b"\x06\x01\0\0"
    assert (plain.proto, plain.in_use()) == (socket.IPPROTO_TCP, False)
    new6.setsockopt(*only6, b"\1\0\0\0")
    assert new6.getsockopt(*only6) == 1
    new6.bind(("::", 0))
    with pytest.raises(OSError, match="Invalid"):
        new6.setsockopt(*only6, 0)
    with client.makefile("rb") as file:
        client.close()
        server.sendall(b"late")
        assert file.read(4) == b"late"
    client.close()
    assert server.recv(1) == b""


# --- the standard library over these sockets


class Hello(BaseHTTPRequestHandler):
    """Answers every GET with 5 bytes, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: TCPServer, listener: Socket) -> Iterator[None]:
    """Serve in a thread, at a socket of this package."""
    server.socket.close()
    server.socket = listener
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def http_and_its_server(world: World) -> None:
    listener = world.listen()
    host, port = listener.getsockname()
    http = HTTPConnection(host, port)  # with the timeout that was left out
    http._create_connection = create_connection  # type: ignore[attr-defined]
    server = ThreadingHTTPServer(("", 0), Hello, bind_and_activate=False)
    with serving(server, listener), closing_of(http):
        with world.at_client():
            http.connect()
        assert isinstance(http.sock, Socket)
        for expected in (1, 2):
            http.request("GET", "/")
            assert http.getresponse().read() == b"hello"
            assert len(http.sock.subflows()) == expected
            if expected == 1:
                http.sock.open_subflow(world.lte, timeout=5)


def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For client and server; anonymous, so that no certificate is needed."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made[0].check_hostname, made[0].verify_mode = False, ssl.CERT_NONE
    for context in made:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AECDH:@SECLEVEL=0")
    return made


def speak_tls(client: Socket, server: socket.socket) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """Both ends of a connection, with TLS over it."""
    contexts, made = tls_contexts(), []
    threads = [
        threading.Thread(target=lambda: made.append(contexts[0].wrap_socket(client))),
        threading.Thread(
            target=lambda: made.append(contexts[1].wrap_socket(server, server_side=True))
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    return tuple(sorted(made, key=lambda each: each.server_side))  # type: ignore[return-value]


def tls_over_accepted_sockets(world: World) -> None:
    """ssl takes the descriptor away from its socket, and subflows are accepted all the same."""
    client, server, listener = world.connect()
    number = server.announce((world.server, 7000), listen=True)
    here, there = speak_tls(client, server)
    with here, there:
        listener.close()
        here.sendall(b"hello")
        assert there.recv(5) == b"hello"

        lte = mptcpapi.open_subflow(here, world.lte, (world.server, 7000), timeout=5)

        wait(lambda: len(mptcpapi.subflows(there)) == 2)
        assert lte.remote == (world.server, 7000)
        mptcpapi.withdraw(there, number)


def tls_over_a_listener(world: World) -> None:
    """A listener that ssl has wrapped accepts sockets of its own, which are of MPTCP."""
    client_context, context = tls_contexts()
    unwrapped = world.listen()
    address = unwrapped.getsockname()
    with (
        context.wrap_socket(unwrapped, server_side=True) as listener,
        ThreadPoolExecutor(1) as pool,
    ):
        accepting = pool.submit(listener.accept)
        with world.at_client():
            plain = create_connection(address, 5, (world.wifi, 0))
        with client_context.wrap_socket(plain) as client, accepting.result(5)[0] as server:
            client.sendall(b"hello")
            assert server.recv(5) == b"hello"
            server.sendall(b"hello")
            assert client.recv(5) == b"hello"

            lte = mptcpapi.open_subflow(client, world.lte, timeout=5)

            assert mptcpapi.in_use(server)
            wait(lambda: len(mptcpapi.subflows(server)) == 2)
            mptcpapi.close_subflow(client, lte)


def a_descriptor_that_is_taken_away_and_given_back(world: World) -> None:
    client, server, _ = world.connect()
    with Socket(fileno=server.detach()) as again, again.dup() as twin:
        again.close()
        client.open_subflow(world.lte)
        carry(client, twin)
        assert server.fileno() == -1
    assert client.recv(1) == b""


def announcing_again(world: World) -> None:
    """What is announced can be announced again, and by other connections of the same server."""
    one, other = world.connect(), world.connect()
    address = (world.server, 7000)

    number = one.server.announce(address, listen=True)
    assert one.server.announce(address, listen=True) == number
    assert other.server.announce(address, listen=True) == number
    one.server.withdraw(number)

    assert other.client.open_subflow(world.lte, address, timeout=5).fully_established
    other.server.withdraw(number)
    with pytest.raises(SubflowRefused, match="nothing listens there"):
        other.client.open_subflow(world.lte, address, timeout=5)


CASES: tuple[Case, ...] = (
    a_socket_that_nobody_closed,
    bare_descriptors,
    ports_that_are_taken,
    ports_of_sockets_that_do_not_listen,
    connections_and_their_owners,
    borrowing,
    what_cannot_be_borrowed,
    calls_that_cannot_be,
    http_and_its_server,
    tls_over_accepted_sockets,
    tls_over_a_listener,
    a_descriptor_that_is_taken_away_and_given_back,
    announcing_again,
)

OVER_IPV6: tuple[Case, ...] = (connections_and_their_owners, borrowing)

RUNS = [pytest.param(case, 4, id=case.__name__) for case in CASES] + [
    pytest.param(case, 6, id=f"{case.__name__}-ipv6") for case in OVER_IPV6
]
