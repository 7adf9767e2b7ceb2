"""Sockets whose calls are functions of a plug-in."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import time
from collections.abc import Callable
from errno import EAGAIN, EINTR
from typing import Any, ClassVar

from mptcpapi.stacks import sockaddr
from mptcpapi.stacks.ioth_functions import Plugin


class IothSocket(socket.socket):
    """A ``socket.socket`` whose descriptor a plug-in gave, and which it serves.

    A class is derived for each stack. The descriptor is real: poll, select, epoll and asyncio wait
    on it. What takes the descriptor and goes to the kernel (``ssl``) needs a plug-in whose
    sockets are the kernel's.
    """

    __slots__ = ()  # so that a socket.socket that was made elsewhere can become one

    plugin: ClassVar[Plugin]
    accepted: Callable[[int], None]
    """Told the descriptor of each accepted connection."""

    def bind(self, address: Any, /) -> None:
        """As ``socket.bind``."""
        self._addressed("bind", address)

    def connect(self, address: Any, /) -> None:
        """As ``socket.connect``; it waits for the end of the handshake, whatever the timeout."""
        self._addressed("connect", address)

    def connect_ex(self, address: Any, /) -> int:
        """As ``socket.connect_ex``."""
        try:
            self.connect(address)
        except OSError as failed:
            return failed.errno or 0
        return 0

    def listen(self, backlog: int = 128, /) -> None:
        """As ``socket.listen``."""
        self.plugin.call("listen", self.fileno(), backlog)

    def accept(self) -> tuple[socket.socket, Any]:
        """As ``socket.accept``."""
        data, length = _space()
        fd = self._patient("accept", select.POLLIN, data, ctypes.byref(length))
        self.accepted(fd)
        connection = type(self)(self.family, self.type, self.proto, fileno=fd)
        connection.settimeout(socket.getdefaulttimeout())
        return connection, sockaddr.unpack(data.raw[: length.value])

    def getsockname(self) -> Any:
        """As ``socket.getsockname``."""
        return self._name("getsockname")

    def getpeername(self) -> Any:
        """As ``socket.getpeername``."""
        return self._name("getpeername")

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """As ``socket.recv``."""
        return self.recvfrom(size, flags)[0]

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As ``socket.recv_into``."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def recvfrom(self, size: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """As ``socket.recvfrom``."""
        data = ctypes.create_string_buffer(max(size, 1))
        way = next((each for each in ("recvfrom", "recv") if self.plugin.has(each)), "read")
        address, length = _space()
        extra: tuple[Any, ...] = () if way == "read" else (flags,)
        if way == "recvfrom":
            extra = (flags, address, ctypes.byref(length))
        count = self._patient(way, select.POLLIN, data, size, *extra)
        sender = sockaddr.unpack(address.raw[: length.value]) if way == "recvfrom" else None
        return data.raw[:count], sender

    def send(self, data: Any, flags: int = 0, /) -> int:
        """As ``socket.send``."""
        octets = bytes(data)
        if self.plugin.has("send"):
            return self._patient("send", select.POLLOUT, octets, len(octets), flags)
        if self.plugin.has("sendto"):
            rest = (flags, None, 0)
            return self._patient("sendto", select.POLLOUT, octets, len(octets), *rest)
        return self._patient("write", select.POLLOUT, octets, len(octets))

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As ``socket.sendall``."""
        left = memoryview(bytes(data))
        while left:
            left = left[self.send(left, flags) :]

    def sendto(self, data: Any, *flags_and_address: Any) -> int:
        """As ``socket.sendto``."""
        *flags, address = flags_and_address
        octets, packed = bytes(data), sockaddr.pack(self.family, address)
        rest = (flags[0] if flags else 0, packed, len(packed))
        return self._patient("sendto", select.POLLOUT, octets, len(octets), *rest)

    def setsockopt(self, level: int, name: int, value: Any, *length: int) -> None:
        """As ``socket.setsockopt``."""
        octets = value.to_bytes(4, "little", signed=True) if isinstance(value, int) else value
        size = length[0] if length else len(octets)
        self.plugin.call("setsockopt", self.fileno(), level, name, octets, size)

    def getsockopt(self, level: int, name: int, size: int = 0, /) -> Any:
        """As ``socket.getsockopt``."""
        data = ctypes.create_string_buffer(size or 4)
        length = ctypes.c_uint(size or 4)
        self.plugin.call("getsockopt", self.fileno(), level, name, data, ctypes.byref(length))
        octets = data.raw[: length.value]
        return octets if size else int.from_bytes(octets, "little", signed=True)

    def shutdown(self, how: int, /) -> None:
        """As ``socket.shutdown``."""
        self.plugin.call("shutdown", self.fileno(), how)

    def settimeout(self, value: float | None, /) -> None:
        """As ``socket.settimeout``."""
        super().settimeout(value)
        self._tell_whether_to_block()

    def setblocking(self, flag: bool, /) -> None:
        """As ``socket.setblocking``."""
        super().setblocking(flag)
        self._tell_whether_to_block()

    def _real_close(self, *_: Any) -> None:
        fd = self.detach()
        if fd < 0:
            return
        if self.plugin.has("close"):
            self.plugin.call("close", fd)
        else:
            os.close(fd)

    def _tell_whether_to_block(self) -> None:
        if self.plugin.has("fcntl"):
            now = fcntl.fcntl(self.fileno(), fcntl.F_GETFL)
            self.plugin.call("fcntl", self.fileno(), fcntl.F_SETFL, now)

    def _addressed(self, call: str, address: Any) -> None:
        packed = sockaddr.pack(self.family, address)
        blocks = self.gettimeout()
        if call == "connect" and blocks:
            self.settimeout(None)
        try:
            self.plugin.call(call, self.fileno(), packed, len(packed))
        finally:
            if call == "connect" and blocks:
                self.settimeout(blocks)

    def _name(self, call: str) -> Any:
        data, length = _space()
        self.plugin.call(call, self.fileno(), data, ctypes.byref(length))
        return sockaddr.unpack(data.raw[: length.value])

    def _patient(self, call: str, event: int, *arguments: Any) -> int:
        """Call it again when it can be done, for as long as the timeout allows."""
        timeout = self.gettimeout()
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return self.plugin.call(call, self.fileno(), *arguments)
            except OSError as failed:
                if failed.errno not in {EAGAIN, EINTR} or not timeout:
                    raise
            left = 0.0 if until is None else until - time.monotonic()
            poll = select.poll()
            poll.register(self.fileno(), event)
            if left <= 0 or not poll.poll(left * 1000):
                raise TimeoutError("timed out")


def _space() -> tuple[ctypes.Array[ctypes.c_char], ctypes.c_uint]:
    return ctypes.create_string_buffer(sockaddr.SIZE), ctypes.c_uint(sockaddr.SIZE)
