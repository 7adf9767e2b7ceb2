"""Sockets whose calls are functions of a plug-in."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from errno import EAGAIN, EINTR
from typing import Any, ClassVar

from mptcpapi.errors import StackDeleted
from mptcpapi.stacks import ioth_data, sockaddr
from mptcpapi.stacks.ioth_data import octets_of
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
        data, length = sockaddr.space()
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
        if nbytes > len(view):
            raise ValueError("buffer too small for requested bytes")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def recvfrom(self, size: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """As ``socket.recvfrom``."""
        return ioth_data.receive(self.plugin, self._patient, size, flags)

    def send(self, data: Any, flags: int = 0, /) -> int:
        """As ``socket.send``."""
        return ioth_data.send(self.plugin, self._patient, octets_of(data), flags)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As ``socket.sendall``."""
        left = memoryview(octets_of(data))
        while left:
            left = left[self.send(left, flags) :]

    def sendto(self, data: Any, *flags_and_address: Any) -> int:
        """As ``socket.sendto``."""
        *flags, address = flags_and_address
        to = sockaddr.pack(self.family, address)
        given = flags[0] if flags else 0
        return ioth_data.send(self.plugin, self._patient, octets_of(data), given, to)

    def setsockopt(self, level: int, name: int, value: Any, *length: int) -> None:
        """As ``socket.setsockopt``."""
        if value is None:  # then the length is the argument
            octets = None
        elif isinstance(value, int):
            octets = value.to_bytes(4, sys.byteorder, signed=True)
        else:
            octets = octets_of(value)
        size = length[0] if length else len(octets or b"")
        self.plugin.call("setsockopt", self.fileno(), level, name, octets, size)

    def getsockopt(self, level: int, name: int, size: int = 0, /) -> Any:
        """As ``socket.getsockopt``."""
        data = ctypes.create_string_buffer(size or 4)
        length = ctypes.c_uint(size or 4)
        self.plugin.call("getsockopt", self.fileno(), level, name, data, ctypes.byref(length))
        octets = data.raw[: length.value]
        return octets if size else int.from_bytes(octets, sys.byteorder, signed=True)

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
            with suppress(StackDeleted):  # then there is only the descriptor
                self.plugin.call("close", fd)
                return
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
        data, length = sockaddr.space()
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
