"""Sockets on the loopback interface: what works without any privilege, and every refusal."""

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from errno import EADDRINUSE, EBADF, EINVAL, ENOTCONN, EOPNOTSUPP, EPERM
from pathlib import Path
from typing import NamedTuple

import pytest
from own_process import descriptors, left

import mptcpapi
from mptcpapi import (
    ConnectionEnded,
    FallenBack,
    InvalidArgument,
    KernelRefused,
    MachineError,
    MptcpError,
    NoPrivilege,
    NoSuchSubflow,
    Socket,
    SocketClosed,
    SubflowTimeout,
    TcpState,
    Unavailable,
    Unsupported,
    info,
)
from mptcpapi.diag import Diag

Operation = Callable[[Socket], object]

READING: dict[str, Operation] = {
    "token": mptcpapi.token,
    "subflows": mptcpapi.subflows,
    "subflow_details": mptcpapi.subflow_details,
    "mptcp_info": lambda sock: mptcpapi.mptcp_info(sock).token,
    "tcp_info": lambda sock: mptcpapi.tcp_info(sock, 1).segs_out,
}
CHANGING: dict[str, Operation] = {
    "open_subflow": mptcpapi.open_subflow,
    "close_subflow": lambda sock: mptcpapi.close_subflow(sock, 1),
    "announce": lambda sock: mptcpapi.announce(sock, "127.0.0.1"),
    "withdraw": lambda sock: mptcpapi.withdraw(sock, 1),
    "abort_subflow": lambda sock: mptcpapi.abort_subflow(sock, 1),
    "set_backup": lambda sock: mptcpapi.set_backup(sock, 1, True),
}
EVERY = {**READING, **CHANGING, "in_use": mptcpapi.in_use}


class Pair(NamedTuple):
    client: Socket
    server: Socket


@pytest.fixture
def listener() -> Iterator[Socket]:
    try:
        made = mptcpapi.create_server(("127.0.0.1", 0))
    except Unavailable as reason:
        pytest.skip(str(reason))
    with made:
        try:
            made.subflows()
        except Unsupported as reason:
            pytest.skip(str(reason))
        yield made


@pytest.fixture
def pair(listener: Socket) -> Iterator[Pair]:
    with mptcpapi.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            yield Pair(client, server)


@pytest.fixture
def tcp_listener(listener: Socket) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    before = descriptors()
    yield
    assert not left(descriptors, before)


def test_both_ends_speak_mptcp(pair: Pair) -> None:
    for end in pair:
        assert isinstance(end, Socket)
        assert end.in_use()
        assert end.proto == mptcpapi.IPPROTO_MPTCP
        assert end.token() > 0


class Named(Socket):
    """A class of an application that cannot be made of a descriptor alone."""

    def __init__(self, name: str, fileno: int | None = None) -> None:
        super().__init__(fileno=fileno)
        self.name = name


class Counted(Socket):
    """One that can, and has more to its constructor."""

    def __init__(self, *arguments: int, count: int = 7, fileno: int | None = None) -> None:
        super().__init__(*arguments, fileno=fileno)
        self.count = count


def test_a_class_that_descriptors_do_not_fit(listener: Socket) -> None:
    """It is told so, and no descriptor is left."""
    with Named("own", listener.detach()) as own, mptcpapi.create_connection(own.getsockname()):
        for call in (own.accept, own.dup):
            with pytest.raises(InvalidArgument, match=r"class Named: .* fileno=\.\.\. alone") as no:
                call()
            assert no.value.errno == EINVAL


def test_a_class_with_a_constructor_of_its_own(listener: Socket) -> None:
    with (
        Counted(fileno=listener.detach(), count=8) as own,
        mptcpapi.create_connection(own.getsockname()),
        own.dup() as twin,
    ):
        accepted, _ = twin.accept()
        accepted.close()

    assert (type(twin), type(accepted)) == (Counted, Counted)
    assert (own.count, twin.count, accepted.count) == (8, 7, 7)


def test_the_initial_subflow_is_listed_at_both_ends(pair: Pair) -> None:
    (there,), (here,) = pair.client.subflows(), pair.server.subflows()

    assert there.id == here.id == 1
    assert there.state is here.state is TcpState.ESTABLISHED
    assert (there.local, there.remote) == (here.remote, here.local)
    assert there.local == pair.client.getsockname()
    assert there.remote == pair.client.getpeername()


def test_the_details_of_a_subflow_are_those_of_the_listed_one(pair: Pair) -> None:
    (listed,), (detailed,) = pair.client.subflows(), pair.client.subflow_details()

    assert (detailed.id, detailed.local, detailed.remote) == (1, listed.local, listed.remote)
    assert detailed.state is listed.state
    assert detailed.local_id in {0, None}  # None: an old kernel, and no privilege
    assert detailed.backup in {False, None}


def test_what_is_listed_follows_the_kernel(pair: Pair) -> None:
    """Decoded subflows are remembered by the kernel's bytes, state included."""
    before = [pair.client.subflows()[0].state for _ in range(2)]
    pair.client.shutdown(socket.SHUT_WR)
    pair.server.recv(1)
    pair.server.shutdown(socket.SHUT_WR)
    pair.client.recv(1)

    assert before == [TcpState.ESTABLISHED] * 2
    assert [each.state for each in pair.client.subflows()] != before[:1]


@pytest.mark.parametrize("name", [*READING, "in_use"])
def test_a_descriptor_or_another_socket_object_will_do(pair: Pair, name: str) -> None:
    fd = pair.client.fileno()
    twin = socket.socket(fileno=os.dup(fd))

    with twin:
        assert EVERY[name](twin) == EVERY[name](fd) == EVERY[name](pair.client)  # type: ignore[arg-type]


def test_a_server_without_mptcp_is_refused(tcp_listener: socket.socket) -> None:
    with pytest.raises(FallenBack, match="pass fallback=True if TCP will do") as refusal:
        mptcpapi.create_connection(tcp_listener.getsockname())

    assert refusal.value.errno == EOPNOTSUPP


def test_a_server_without_mptcp_is_served_over_tcp(tcp_listener: socket.socket) -> None:
    with mptcpapi.create_connection(tcp_listener.getsockname(), fallback=True) as client:
        server, _ = tcp_listener.accept()
        with server:
            client.sendall(b"hello")
            assert server.recv(5) == b"hello"
            assert not client.in_use()


@pytest.mark.parametrize("name", [*READING, *CHANGING])
def test_no_subflows_after_fallback(tcp_listener: socket.socket, name: str) -> None:
    with (
        mptcpapi.create_connection(tcp_listener.getsockname(), fallback=True) as client,
        pytest.raises(FallenBack, match=r"is TCP.*RFC 8684, section 3\.7") as refusal,
    ):
        EVERY[name](client)

    assert refusal.value.errno == EOPNOTSUPP


def test_a_client_without_mptcp_is_accepted(listener: Socket) -> None:
    with socket.create_connection(listener.getsockname()):
        server, _ = listener.accept()
        with server:
            assert server.proto == socket.IPPROTO_TCP
            assert not server.in_use()


@pytest.mark.parametrize("name", EVERY)
def test_a_closed_socket(listener: Socket, name: str) -> None:
    closed = Socket()
    closed.close()

    with pytest.raises(SocketClosed, match="this socket is closed") as refusal:
        EVERY[name](closed)

    assert refusal.value.errno == EBADF


@pytest.mark.parametrize("name", EVERY)
def test_a_descriptor_that_is_not_open(name: str) -> None:
    with pytest.raises(SocketClosed, match="descriptor 987654 is closed"):
        EVERY[name](987654)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EVERY)
def test_a_descriptor_that_is_no_socket(name: str) -> None:
    with Path("/dev/null").open() as file, pytest.raises(InvalidArgument, match="is not a socket"):
        EVERY[name](file)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EVERY)
def test_something_without_a_descriptor(name: str) -> None:
    with pytest.raises(InvalidArgument, match="not str"):
        EVERY[name]("socket")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CHANGING)
def test_a_socket_that_is_not_connected(listener: Socket, name: str) -> None:
    with Socket() as unconnected:
        assert unconnected.subflows() == ()
        with pytest.raises(ConnectionEnded, match="not connected") as refusal:
            EVERY[name](unconnected)

    assert refusal.value.errno == ENOTCONN


def test_more_subflows_than_room_was_made_for(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(info, "FIRST_ROOM", 0)

    assert [subflow.id for subflow in pair.client.subflows()] == [1]


def test_the_figures_of_a_connection(pair: Pair) -> None:
    pair.client.sendall(b"hello")
    pair.server.recv(5)

    assert pair.client.mptcp_info().bytes_sent == 5
    assert pair.client.tcp_info(1).bytes_sent == 5
    assert pair.server.tcp_info(1).bytes_received == 5


def test_the_figures_of_a_subflow_that_does_not_exist(pair: Pair) -> None:
    with pytest.raises(NoSuchSubflow, match="such subflow as 7; the ids of those it has: 1"):
        pair.client.tcp_info(7)


def test_a_subflow_is_aborted_under_any_path_manager(pair: Pair) -> None:
    (subflow,) = pair.client.subflows()
    try:
        pair.client.abort_subflow(subflow)
    except (NoPrivilege, Unsupported) as reason:
        pytest.skip(str(reason))

    assert pair.client.subflows() == ()


def test_a_kernel_that_cannot_abort(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise KernelRefused(EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(Diag, "destroy", refuse)

    with pytest.raises(Unsupported, match="without CONFIG_INET_DIAG_DESTROY"):
        pair.client.abort_subflow(1)


@pytest.mark.parametrize("how", [3, -1, "rdwr", None])
def test_a_way_to_close_that_does_not_exist(pair: Pair, how: object) -> None:
    with pytest.raises(InvalidArgument, match=r"expected SHUT_RD \(0\), SHUT_WR \(1\)"):
        pair.client.close_subflow(1, how)  # type: ignore[arg-type]


@pytest.mark.parametrize("interface", ["wlan77", 7777, -1, "", object()])
def test_an_interface_that_does_not_exist(pair: Pair, interface: object) -> None:
    with pytest.raises((InvalidArgument, NoPrivilege)) as refusal:
        pair.client.open_subflow(interface=interface)  # type: ignore[arg-type]

    if isinstance(refusal.value, InvalidArgument):
        assert f"interface {interface!r}" in str(refusal.value)
        assert "it has lo (1)" in str(refusal.value)


def test_a_listening_socket_has_no_subflows(listener: Socket) -> None:
    assert listener.subflows() == ()


@pytest.mark.parametrize("name", sorted(set(CHANGING) - {"abort_subflow"}))
def test_the_kernels_path_manager_or_a_missing_privilege(pair: Pair, name: str) -> None:
    """Whoever runs this, the connection cannot be steered; the text says what to do."""
    if _path_manager() != "kernel":
        pytest.skip("this namespace has the userspace path manager")
    with pytest.raises(MachineError, match=r"net\.mptcp\.pm_type=1|CAP_NET_ADMIN") as refusal:
        EVERY[name](pair.client)

    assert refusal.value.errno in {EINVAL, EPERM}


def _path_manager() -> str:
    setting = Path("/proc/sys/net/mptcp/pm_type")
    is_userspace = setting.exists() and setting.read_text(encoding="utf-8").strip() == "1"
    return "userspace" if is_userspace else "kernel"


def test_the_counters_count(listener: Socket) -> None:
    before = mptcpapi.counters()
    with mptcpapi.create_connection(listener.getsockname()):
        after = mptcpapi.counters()

    assert after["MPCapableSYNTX"] > before["MPCapableSYNTX"]
    assert "NoSuchCounter" not in after


def test_timeout_and_source_address(listener: Socket) -> None:
    with mptcpapi.create_connection(listener.getsockname(), 2.5, ("127.0.0.2", 0)) as client:
        assert client.gettimeout() == 2.5
        assert client.getsockname()[0] == "127.0.0.2"


def test_all_addresses_of_a_name_are_tried(listener: Socket) -> None:
    _, port = listener.getsockname()

    with mptcpapi.create_connection(("localhost", port)) as client:
        assert client.getpeername() == ("127.0.0.1", port)


def test_a_taken_port(listener: Socket) -> None:
    with pytest.raises(OSError, match="in use") as refusal:
        mptcpapi.create_server(listener.getsockname())

    assert refusal.value.errno == EADDRINUSE


def test_dual_stack(listener: Socket) -> None:
    try:
        server = mptcpapi.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError as reason:
        pytest.skip(f"no IPv6: {reason}")
    with server, mptcpapi.create_connection(("127.0.0.1", server.getsockname()[1])) as client:
        accepted, _ = server.accept()
        with accepted:
            (subflow,) = accepted.subflows()
            assert subflow.remote == client.getsockname()


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(NoPrivilege(EPERM, "why"), PermissionError), (SubflowTimeout(110, "late"), TimeoutError)],
)
def test_errors_are_the_builtin_ones_too(error: MptcpError, builtin: type[OSError]) -> None:
    assert isinstance(error, builtin)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - what was pickled in this line
    assert (type(again), again.errno, again.strerror) == (type(error), error.errno, error.strerror)


def test_importing_the_package_does_not_import_pyroute2() -> None:
    program = "import mptcpapi, sys; sys.exit('pyroute2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
