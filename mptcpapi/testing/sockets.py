"""Sockets of the fake: of MPTCP, which are TCP sockets on loopback, and of netlink."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from errno import (
    EADDRINUSE,
    EADDRNOTAVAIL,
    ECONNREFUSED,
    EINVAL,
    ENETUNREACH,
    ENOBUFS,
    ENOTCONN,
    EPERM,
)
from ipaddress import ip_address
from multiprocessing.reduction import ForkingPickler
from struct import Struct
from sys import byteorder
from typing import Any, NoReturn, TypeVar

from mptcpapi import abi
from mptcpapi.connection import Socket
from mptcpapi.endpoint import Endpoint
from mptcpapi.errors import InvalidArgument
from mptcpapi.testing import answers
from mptcpapi.testing.commands import answer
from mptcpapi.testing.ports import Holder, check_address, is_taken
from mptcpapi.testing.world import Coming, World, endpoint_of

T = TypeVar("T")

_ELSEWHERE = "127.77.80.84"
"""The loopback address where all is that is not on the loopback interface of the fake."""
_LINGER = Struct("=ii")
"""``struct linger``"""
_INT_SIZE = 4
_LOST = b""
"""The datagram that stands for events that were dropped."""


@contextmanager
def socket_class(world: World) -> Iterator[None]:
    """Put the fake below every `mptcpapi.Socket` that is made meanwhile.

    Its class, the application's own perhaps, gets another base in the place of ``socket.socket``:
    the package's code stays what it was.
    """

    made: dict[type[Socket], type[Socket]] = {}

    def upon_fake(base: type[Socket]) -> type[Socket]:
        if issubclass(base, _Below):
            return base
        if base not in made:
            made[base] = _upon_fake(world, base)
        return made[base]

    def new(cls: type[Socket], *_: Any, **__: Any) -> Socket:
        return socket.socket.__new__(upon_fake(cls))

    setattr(Socket, "__new__", new)  # noqa: B010 - an assignment is refused by the type checker
    try:
        yield
    finally:
        del Socket.__new__


def _upon_fake(world: World, base: type[Socket]) -> type[Socket]:
    names = {"__module__": base.__module__, "_world": world}
    made = type(base.__name__, (base, _Below), names)
    ForkingPickler.register(made, _refuse_to_send)
    return made


def _refuse_to_send(_: Socket) -> NoReturn:
    raise InvalidArgument(EINVAL, "a socket of a FakeStack stays in its process: it cannot be sent")


class _Below(socket.socket):
    """What ``socket.socket`` is to a `mptcpapi.Socket`, in a fake network."""

    _world: World
    _holder: Holder

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
    ) -> None:
        if fileno is not None:
            super().__init__(fileno=fileno)
            known = self._world.holder(fileno)
            self._hold(known or Holder(self.family, is_mptcp=False))
            return
        is_mptcp = proto == abi.IPPROTO_MPTCP
        if is_mptcp and self._world.disabled:
            raise OSError(self._world.disabled, os.strerror(self._world.disabled))
        # the kernel says what it says to TCP where the type or family cannot be
        super().__init__(family, type, socket.IPPROTO_TCP if is_mptcp else proto)
        self._hold(Holder(family, is_mptcp))

    def _hold(self, holder: Holder) -> None:
        self._holder = holder
        self._world.hold(holder, self.fileno())

    @property
    def proto(self) -> int:
        """As the kernel tells it."""
        return abi.IPPROTO_MPTCP if self._holder.is_mptcp else super().proto

    # --- addresses

    def bind(self, address: Any) -> None:
        """Take an address of the fake network; below, one of the loopback interface."""
        wanted = self._resolve(address, "bind")
        world = self._world
        with world.lock:
            if not wanted.is_wildcard and not world.is_known(wanted.host):
                raise OSError(EADDRNOTAVAIL, os.strerror(EADDRNOTAVAIL))
            if self._holder.is_v6_only and wanted.family != socket.AF_INET6:
                raise OSError(EINVAL, os.strerror(EINVAL))
            self._check_free(wanted)
            super().bind(self._real(wanted))
            port = wanted.port or super().getsockname()[1]
            self._holder.local = Endpoint(wanted.host, port)

    def _check_free(self, wanted: Endpoint) -> None:
        self._world.reap()
        if wanted.port and is_taken(wanted, self._holder, self._world.holders.values()):
            raise OSError(EADDRINUSE, os.strerror(EADDRINUSE))

    def _real(self, wanted: Endpoint) -> tuple[Any, ...]:
        """The address on the loopback interface for one of the fake network."""
        if ip_address(wanted.host).is_loopback:
            return self._name(wanted)
        if wanted.is_wildcard and not self._holder.is_v6_only:
            return self._name(Endpoint("127.0.0.1", wanted.port))
        return self._name(Endpoint(_ELSEWHERE, 0))

    def _resolve(self, address: Any, call: str) -> Endpoint:
        """The endpoint of an address, whose host may be a name."""
        check_address(address, self.family, call)
        host, port = address[:2]
        found = socket.getaddrinfo(host or None, port, self.family, 1, 0, socket.AI_PASSIVE)
        return endpoint_of(found[0][4])

    def _name(self, endpoint: Endpoint) -> tuple[Any, ...]:
        """As ``getsockname`` writes it."""
        if self.family != socket.AF_INET6:
            return tuple(endpoint)
        host = endpoint.host if ":" in endpoint.host else f"::ffff:{endpoint.host}"
        return (host, endpoint.port, 0, 0)

    def getsockname(self) -> Any:
        """The address in the fake network."""
        real = super().getsockname()
        known = self._holder.end.local if self._holder.end else self._holder.local
        return self._name(known) if known else real

    def getpeername(self) -> Any:
        """The peer's address in the fake network."""
        real = super().getpeername()
        if self._holder.end is not None and self._holder.end.is_gone:
            raise OSError(ENOTCONN, os.strerror(ENOTCONN))
        return self._name(self._holder.remote) if self._holder.remote else real

    # --- connections

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        """Like ``socket.setsockopt``; IPv6 is carried over IPv4, so IPV6_V6ONLY is remembered."""
        super().setsockopt(level, option, *value)  # whatever is no value is refused
        if self._is_v6_only_asked(level, option):
            if self._holder.local is not None:
                raise OSError(EINVAL, os.strerror(EINVAL))
            self._holder.is_v6_only = bool(super().getsockopt(level, option))
            super().setsockopt(level, option, 0)

    def _is_v6_only_asked(self, *asked: int) -> bool:
        is_it = asked == (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        return is_it and self.family == socket.AF_INET6

    def listen(self, *backlog: int) -> None:
        """Listen, for connections and for joins."""
        if self._holder.local is None:
            self.bind(("", 0))
        holder, world = self._holder, self._world
        with world.lock:
            if holder.local is None or holder.is_listening or holder.remote is not None:
                super().listen(*backlog)
                return
            self._check_free(holder.local)
            super().listen(*backlog)
            holder.is_listening, holder.real = True, endpoint_of(super().getsockname())
            if holder.is_mptcp:
                kind = abi.MPTCP_EVENT_LISTENER_CREATED
                world.multicast(answers.listener(kind, holder.local))

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection, with its address in the fake network."""
        accepted, real = super().accept()
        held = self._world.holder(accepted.fileno())
        if held is None or held.remote is None:  # of a client outside of the fake
            return accepted, real
        return accepted, self._name(held.remote)

    def connect(self, address: Any) -> None:
        """Connect to who listens there in the fake network, or to a TCP server on loopback."""
        target = self._target(address)
        if self._holder.remote is not None or self._holder.is_listening:
            super().connect(self._name(target))  # it is connected, or tries to be
            return
        found = self._world.listener(target)
        if found is None or found.real is None:
            self._connect_outside(target)
            return
        with self._world.lock:
            real = self._leave_for(target, found, found.real)
        try:
            super().connect(self._name(found.real))
        except BlockingIOError:
            raise
        except OSError:
            with self._world.lock:
                self._come_back(real)
            raise

    def connect_ex(self, address: Any) -> int:
        """Like ``connect``, but return the errno."""
        try:
            _Below.connect(self, address)  # not what `Socket` makes of it
        except OSError as failed:
            return failed.errno or 0
        return 0

    def _target(self, address: Any) -> Endpoint:
        """Where to connect to; a wildcard means this host."""
        target = self._resolve(address, "connect")
        if self._holder.is_v6_only and target.family != socket.AF_INET6:
            raise OSError(ENETUNREACH, os.strerror(ENETUNREACH))
        if target.is_wildcard:
            loopback = "::1" if target.family == socket.AF_INET6 else "127.0.0.1"
            return Endpoint(loopback, target.port)
        return target

    def _connect_outside(self, target: Endpoint) -> None:
        """Traffic stays on the loopback interface."""
        if not ip_address(target.host).is_loopback:
            code = ECONNREFUSED if self._world.is_known(target.host) else ENETUNREACH
            raise OSError(code, os.strerror(code))
        holder = self._holder
        super().connect(self._name(target))
        holder.is_tcp, holder.remote = True, target
        holder.local = holder.local or endpoint_of(super().getsockname())

    def _leave_for(self, target: Endpoint, found: Holder, there: Endpoint) -> Endpoint:
        """Make the connection in the fake kernel; the real address by which it will come."""
        world, holder = self._world, self._holder
        if holder.local is None:
            super().bind(self._name(Endpoint(there.host, 0)))
        real = endpoint_of(super().getsockname())
        local = holder.local or Endpoint(self._source(target), real.port)
        if local.is_wildcard:
            local = Endpoint(self._source(target), local.port)
        holder.local, holder.remote = local, target
        if holder.is_mptcp and found.is_mptcp and not world.strips_options:
            world.carry(holder, world.establish(self.family, local, target, found.family))
        else:
            holder.is_tcp = True
        world.coming[real] = Coming(local, target, holder.end and holder.end.peer)
        return real

    def _source(self, target: Endpoint) -> str:
        """The address that routing chooses."""
        address = ip_address(target.host)
        if address.is_loopback:
            return target.host
        for path in self._world.paths:
            if ip_address(path.host).version == address.version:
                return path.host
        raise OSError(ENETUNREACH, os.strerror(ENETUNREACH))

    def _come_back(self, real: Endpoint) -> None:
        self._world.coming.pop(real, None)
        self._holder.remote = None
        if self._holder.end is not None:
            self._world.forget(self._holder.end)
            self._holder.end = None

    def getsockopt(self, level: int, option: int, *size: int) -> Any:
        """Like ``socket.getsockopt``."""
        if (level, option) == (socket.SOL_SOCKET, socket.SO_PROTOCOL):
            return self.proto.to_bytes(_INT_SIZE, byteorder) if size else self.proto
        if self._is_v6_only_asked(level, option):
            is_set = int(self._holder.is_v6_only)
            return is_set.to_bytes(_INT_SIZE, byteorder) if size else is_set
        return super().getsockopt(level, option, *size)

    # --- data: after it the connection may be fully established

    def send(self, *arguments: Any) -> int:
        """Like ``socket.send``."""
        return self._noticed(super().send(*arguments))

    def sendall(self, *arguments: Any) -> None:
        """Like ``socket.sendall``."""
        return self._noticed(super().sendall(*arguments))

    def sendmsg(self, *arguments: Any) -> int:
        """Like ``socket.sendmsg``."""
        return self._noticed(super().sendmsg(*arguments))

    def recv(self, *arguments: Any) -> bytes:
        """Like ``socket.recv``."""
        return self._noticed(super().recv(*arguments))

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        """Like ``socket.recv_into``."""
        return self._noticed(super().recv_into(*arguments, **options))

    def _noticed(self, result: T) -> T:
        end = self._holder.end
        if end is not None and not end.is_settled:
            with self._world.lock:
                self._world.settle()
        return result

    # --- the end

    def _real_close(self, *arguments: Any) -> None:
        """What ``close`` does once no file made of the socket is open; ``ssl`` does it here too."""
        with self._world.lock:
            self._holder.is_aborted = self._aborts()
            super()._real_close(*arguments)  # type: ignore[misc]  # not in the hints
            self._world.reap()

    def __del__(self) -> None:
        """Nobody has closed it. The kernel notices when Python does, so its fake has to."""
        if self.fileno() < 0 or "_holder" not in vars(self) or sys.is_finalizing():
            return
        with self._world.lock:
            self._holder.is_aborted = self._aborts()
            super().__del__()  # type: ignore[misc]  # not in the hints
            self._world.reap()

    def _aborts(self) -> bool:
        """Whether closing it now resets the connection: as asked for, or as data is unread."""
        if self._holder.end is None or self.fileno() < 0:
            return False
        linger = super().getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.size)
        if _LINGER.unpack(linger) == (1, 0):
            return True
        return any(fcntl.ioctl(self.fileno(), termios.FIONREAD, bytes(_INT_SIZE)))


class NetlinkSocket(socket.socket):
    """A socket of AF_NETLINK whose kernel is the fake one."""

    def __init__(self, world: World, protocol: int) -> None:
        ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        super().__init__(fileno=ours.detach())
        self._theirs.setblocking(False)
        self._world, self._protocol = world, protocol
        self._lost = False

    def bind(self, address: Any) -> None:
        """Every socket of the fake has an address."""

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        """Joining the group of events is the one that has an effect."""
        if (level, option) == (abi.SOL_NETLINK, abi.NETLINK_ADD_MEMBERSHIP):
            if not self._world.is_admin:
                raise PermissionError(EPERM, os.strerror(EPERM))
            with self._world.lock:
                self._world.audience.append(self)

    def sendto(self, request: Any, *_: Any) -> int:
        """Carry out a request; its answer can then be read."""
        self.put(answer(self._world, self._protocol, request))
        return len(request)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        """The next datagram, from the kernel."""
        self._world.reap()  # of what was closed meanwhile an event may be told
        datagram = super().recv(size, flags)
        if datagram == _LOST:
            raise OSError(ENOBUFS, os.strerror(ENOBUFS))
        return datagram, (0, 0)

    def put(self, datagram: bytes) -> None:
        """Let it be read; where there is no room, that something was lost, once there is."""
        try:
            if self._lost:
                self._theirs.send(_LOST)
                self._lost = False
            self._theirs.send(datagram)
        except BlockingIOError:
            self._lost = True

    def lose(self) -> None:
        """Let the reader know that datagrams were dropped."""
        self.put(_LOST)

    def _real_close(self, *arguments: Any) -> None:
        with self._world.lock:
            if self in self._world.audience:
                self._world.audience.remove(self)
        self._theirs.close()
        super()._real_close(*arguments)  # type: ignore[misc]  # not in the hints
