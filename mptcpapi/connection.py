"""MPTCP sockets, made and connected as in the standard library's ``socket`` module."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from errno import EACCES, EBADF, EINVAL, ENOPROTOOPT, EOPNOTSUPP, EPERM, EPROTONOSUPPORT
from multiprocessing.reduction import DupFd, ForkingPickler
from types import EllipsisType
from typing import Any, Literal, Self, TypeVar, overload

from mptcpapi import (
    abi,
    announcing,
    closing,
    control,
    mptcpinfo,
    opening,
    subflow,
    subflow_options,
    tcpinfo,
)
from mptcpapi.announcing import listen_for
from mptcpapi.control import DEFAULT_TIMEOUT
from mptcpapi.endpoint import Address, place_of, understood
from mptcpapi.errors import FallenBack, InvalidArgument, SocketClosed, Unavailable
from mptcpapi.info import Subflow, fileno
from mptcpapi.joins import Joins, Kept, detached
from mptcpapi.mptcpinfo import MptcpInfo
from mptcpapi.subflow import SubflowDetails
from mptcpapi.tcpinfo import TcpInfo

_LEFT_OUT = (..., socket._GLOBAL_DEFAULT_TIMEOUT)  # type: ignore[attr-defined]
"""What stands for a timeout that was left out; http.client and others pass the second."""

REASONS = {
    EINVAL: "this kernel knows no MPTCP, which came with Linux 5.6",
    EPROTONOSUPPORT: "this kernel is built without MPTCP (CONFIG_MPTCP, CONFIG_MPTCP_IPV6)",
    ENOPROTOOPT: "MPTCP is off in this network namespace: set the sysctl net.mptcp.enabled=1",
    EPERM: "a security policy forbids MPTCP sockets",
    EACCES: "a security policy forbids MPTCP sockets",
}


class Socket(socket.socket):
    """A stream socket of IPPROTO_MPTCP that has this package's operations as methods.

    It can be used wherever a TCP socket can. ``fileno``: take over an existing descriptor, of
    whatever family and protocol it is, instead of making a socket. It can be sent to another
    process as ``multiprocessing`` sends sockets.

    What a class of your own accepts and duplicates is of this class. So its constructor must do
    with ``fileno`` alone, or that is `InvalidArgument`.

    :raises Unavailable: the kernel makes no MPTCP sockets; the text says why
    :raises InvalidArgument: MPTCP has no sockets of this family or type
    """

    def __init_subclass__(cls) -> None:
        """An application's own class goes to other processes, too."""
        ForkingPickler.register(cls, _reduce)

    def __init__(
        self,
        family: int = socket.AF_INET,
        type: int = socket.SOCK_STREAM,
        proto: int = abi.IPPROTO_MPTCP,
        fileno: int | None = None,
    ) -> None:
        self._joins = Joins()
        if fileno is not None:
            super().__init__(fileno=fileno)
            self._joins = detached.take(fileno) or self._joins
            return
        if proto == abi.IPPROTO_MPTCP:
            _check_kind(family, type)
        try:
            super().__init__(family, type, proto)
        except OSError as refused:
            if refused.errno not in REASONS:
                raise
            text = f"no MPTCP socket can be made: {REASONS[refused.errno]}"
            raise Unavailable(refused.errno, text) from refused

    def bind(self, address: Any) -> None:
        """Like ``socket.bind``, but for the error if there can be no such address.

        :raises InvalidArgument: there can be none, where ``socket`` has OverflowError or TypeError
        """
        with understood(address):
            super().bind(address)

    def connect(self, address: Any) -> None:
        """Like ``socket.connect``, with the error of `bind`."""
        with understood(address):
            super().connect(address)

    def connect_ex(self, address: Any) -> int:
        """Like ``socket.connect_ex``, with the error of `bind`."""
        with understood(address):
            return super().connect_ex(address)

    def listen(self, *backlog: int) -> None:
        """Like ``socket.listen``; connections of the userspace path manager will accept subflows.

        They do while somebody listens to the kernel's events: this socket, until it and all that
        it has accepted are closed. It does so if the path manager is the userspace one by now. A
        socket that was made by another program, and listens already, does so in its first `accept`.
        """
        super().listen(*backlog)
        self._joins.admit(self.fileno())

    def accept(self) -> tuple[Self, Any]:
        """Like ``socket.accept``; ``proto`` tells the truth: TCP if the client's SYN was TCP's."""
        if not self._joins.was_admitted and self.fileno() >= 0:
            self._joins.admit(self.fileno())
        accepted, address = super().accept()
        connection = _made_of(accepted.detach(), type(self))
        self._joins.admit_too(connection._joins)
        return connection, address

    def close(self) -> None:
        """Like ``socket.close``; also stops listening for subflows."""
        super().close()
        if self.fileno() < 0:  # no file made of it is open any more
            self._give_up_joins().close()

    def detach(self) -> int:
        """Like ``socket.detach``; subflows are accepted as long as the descriptor is open.

        So ``ssl``, which takes the descriptor away, can wrap it. A `Socket` that is made of the
        descriptor has it all again.
        """
        if self.fileno() >= 0 and not self._joins.is_empty:
            detached.leave(self.fileno(), self._give_up_joins())
        return super().detach()

    def dup(self) -> Self:
        """Like ``socket.dup``; subflows are accepted until both are closed."""
        twin = _made_of(os.dup(self.fileno()), type(self))
        twin.settimeout(self.gettimeout())
        if self._joins.share():
            twin._joins = self._joins
        return twin

    def _give_up_joins(self) -> Joins:
        given, self._joins = self._joins, Joins()
        return given

    def in_use(self) -> bool:
        """See `mptcpapi.in_use`."""
        return subflow.in_use(self)

    def token(self) -> int:
        """See `mptcpapi.token`."""
        return subflow.token(self)

    def mptcp_info(self) -> MptcpInfo:
        """See `mptcpapi.mptcp_info`."""
        return mptcpinfo.mptcp_info(self)

    def tcp_info(self, which: Subflow | int) -> TcpInfo:
        """See `mptcpapi.tcp_info`."""
        return tcpinfo.tcp_info(self, which)

    def subflows(self) -> tuple[Subflow, ...]:
        """See `mptcpapi.subflows`."""
        return subflow.subflows(self)

    def subflow_details(self) -> tuple[SubflowDetails, ...]:
        """See `mptcpapi.subflow_details`."""
        return subflow.subflow_details(self)

    def open_subflow(
        self,
        local: Address | None = None,
        remote: Address | None = None,
        *,
        backup: bool = False,
        interface: str | int | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> SubflowDetails:
        """See `mptcpapi.open_subflow`."""
        return opening.open_subflow(
            self, local, remote, backup=backup, interface=interface, timeout=timeout
        )

    def close_subflow(
        self,
        which: Subflow | int,
        how: int = socket.SHUT_RDWR,
        *,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """See `mptcpapi.close_subflow`."""
        closing.close_subflow(self, which, how, timeout=timeout)

    def abort_subflow(self, which: Subflow | int, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """See `mptcpapi.abort_subflow`."""
        closing.abort_subflow(self, which, timeout=timeout)

    def path_manager(self) -> Literal["kernel", "userspace"]:
        """See `mptcpapi.path_manager`."""
        return announcing.path_manager(self)

    def announce(self, address: Address, *, id: int | None = None, listen: bool = False) -> int:
        """See `mptcpapi.announce`; ``listen``: also accept subflows there.

        For that a socket listens with MPTCP at the address, at the port given or that of the
        connection, until `withdraw` or until this socket is closed. A server whose own socket
        listens there already does not need it.

        :raises KernelRefused: it cannot listen there: EADDRINUSE, EADDRNOTAVAIL, EACCES
        """
        self._joins.admit(fileno(self))
        with ExitStack() as undo:
            listener = undo.enter_context(listen_for(self, address)) if listen else None
            number = announcing.announce(self, address, id=id)
            undo.pop_all()
        if listener is not None:
            self._joins.keep(number, listener)
        return number

    def withdraw(self, id: int) -> None:
        """See `mptcpapi.withdraw`; also stops listening there."""
        announcing.withdraw(self, id)
        self._joins.drop(id)

    def set_backup(
        self, which: Subflow | int, backup: bool, *, timeout: float = DEFAULT_TIMEOUT
    ) -> SubflowDetails:
        """See `mptcpapi.set_backup`."""
        return control.set_backup(self, which, backup, timeout=timeout)

    @overload
    def get_subflow_option(
        self, which: Subflow | int, level: int, name: int, length: None = None
    ) -> int: ...

    @overload
    def get_subflow_option(
        self, which: Subflow | int, level: int, name: int, length: int
    ) -> bytes: ...

    def get_subflow_option(
        self, which: Subflow | int, level: int, name: int, length: int | None = None
    ) -> int | bytes:
        """See `mptcpapi.get_subflow_option`."""
        return subflow_options.get_subflow_option(self, which, level, name, length)

    def set_subflow_option(
        self, which: Subflow | int, level: int, name: int, value: int | bytes
    ) -> None:
        """See `mptcpapi.set_subflow_option`."""
        subflow_options.set_subflow_option(self, which, level, name, value)


S = TypeVar("S", bound=Socket)


def _made_of(fd: int, kind: type[S]) -> S:
    """A socket of the class that an application made of `Socket`, for a descriptor.

    :raises InvalidArgument: the class cannot be made so; the descriptor is closed then
    """
    try:
        return kind(fileno=fd)
    except TypeError as refused:
        os.close(fd)
        text = f"class {kind.__name__}: accept, dup and multiprocessing make a socket of a "
        text += f"descriptor, so its constructor must do with fileno=... alone ({refused})"
        raise InvalidArgument(EINVAL, text) from refused
    except BaseException:
        os.close(fd)
        raise


def _reduce(sock: Socket) -> tuple[Callable[..., Socket], tuple[Any, ...]]:
    """How ``multiprocessing`` sends a socket: its descriptor, duplicated, and what it keeps."""
    if sock.fileno() < 0:
        raise SocketClosed(EBADF, "this socket is closed: it cannot be sent to another process")
    return _rebuild, (type(sock), DupFd(sock.fileno()), sock.gettimeout(), sock._joins.kept())


def _rebuild(kind: type[Socket], sent: Any, timeout: float | None, kept: Kept) -> Socket:
    sock = _made_of(sent.detach(), kind)
    sock.settimeout(timeout)
    sock._joins.keep_too(kept, sock.fileno())
    return sock


ForkingPickler.register(Socket, _reduce)


def create_connection(
    address: tuple[str | None, int],
    timeout: float | EllipsisType | None = ...,
    source_address: tuple[str, int] | None = None,
    *,
    fallback: bool = False,
) -> Socket:
    """Connect to ``address`` as ``socket.create_connection`` does, with MPTCP.

    ``timeout`` in seconds, of the socket from then on; left out: ``socket.getdefaulttimeout()``.
    ``fallback``: whether TCP will do, where this machine has no MPTCP or the peer or the path does
    not let it through. What became of it is told by `in_use`.

    :raises Unavailable: no MPTCP sockets here, and no ``fallback``
    :raises FallenBack: the peer or the path let only TCP through, and no ``fallback``
    :raises InvalidArgument: an address that cannot be
    :raises OSError: what ``socket.create_connection`` raises; of several addresses, for the first
    """
    failures: list[OSError] = []
    host, port = place_of(address)
    with understood(address):
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    for family, kind, _, _, target in found:
        sock = make_socket(family, kind, fallback)
        try:
            if timeout not in _LEFT_OUT:
                sock.settimeout(timeout)
            if source_address is not None:
                sock.bind(source_address)
            sock.connect(target)
            if not fallback and not sock.in_use():
                raise fallen_back(target)  # noqa: TRY301 - closed like any other failure
        except BaseException as failed:
            sock.close()
            if not isinstance(failed, OSError):
                raise
            failures.append(failed)
        else:
            return sock
    raise failures[0]


def create_server(
    address: tuple[str, int],
    *,
    family: int = socket.AF_INET,
    backlog: int | None = None,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
    fallback: bool = False,
) -> Socket:
    """Listen on ``address`` as ``socket.create_server`` does, with MPTCP.

    Clients without MPTCP are served too, over TCP. ``fallback``: listen with TCP where this machine
    has no MPTCP.

    :raises Unavailable: no MPTCP sockets here, and no ``fallback``
    :raises InvalidArgument: an address that cannot be; ``dualstack_ipv6`` with another family than
        AF_INET6
    :raises OSError: what ``socket.create_server`` raises
    """
    if dualstack_ipv6 and family != socket.AF_INET6:
        text = f"dualstack_ipv6 with family {family!r}: expected AF_INET6"
        raise InvalidArgument(EINVAL, text)
    sock = make_socket(family, socket.SOCK_STREAM, fallback)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dualstack_ipv6)
        sock.bind(address)
        sock.listen(*([] if backlog is None else [backlog]))
    except BaseException:
        sock.close()
        raise
    return sock


def _check_kind(family: int, kind: int) -> None:
    """Refuse what the kernel refuses as if it were built without MPTCP."""
    is_stream = kind & ~(socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) == socket.SOCK_STREAM
    if family not in {socket.AF_INET, socket.AF_INET6} or not is_stream:
        text = f"family {family!r}, type {kind!r}: MPTCP is SOCK_STREAM of AF_INET or AF_INET6"
        raise InvalidArgument(EINVAL, text)


def make_socket(family: int, kind: int, fallback: bool) -> Socket:
    """A socket of MPTCP; with ``fallback``, of TCP where this machine has no MPTCP."""
    try:
        return Socket(family, kind)
    except Unavailable:
        if not fallback:
            raise
        return Socket(fileno=socket.socket(family, kind).detach())


def fallen_back(target: tuple[Any, ...]) -> FallenBack:
    """The error for a connection to the address ``target`` that became TCP."""
    return FallenBack(
        EOPNOTSUPP,
        f"{target[0]} port {target[1]}: connected, but with TCP, since the peer or the path does "
        "not let MPTCP through; pass fallback=True if TCP will do",
    )
