"""The TCP socket below a socket of the fake: on loopback, with whatever descriptors it has now."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import IPPROTO_TCP, SOL_SOCKET, TCP_INFO, socket

from mptcpapi import abi
from mptcpapi.abi import TcpState
from mptcpapi.layout import Layout
from mptcpapi.processes import sockets_of

TCP_INFO_ROOM = 512
"""Bytes; more than ``struct tcp_info`` has."""
_LAYOUT = Layout(*abi.TCP_INFO_ROWS)
_RETURN_NOTHING = ctypes.create_string_buffer(abi.SOCK_FILTER.pack(abi.BPF_RET, 0, 0, 0))
_DROP_ALL = abi.SOCK_FPROG.pack(1, ctypes.addressof(_RETURN_NOTHING))
"""``struct sock_fprog`` with one instruction, ``ret #0``: of each segment, keep nothing."""
_CLOSED = bytes([TcpState.CLOSE]) + bytes(_LAYOUT.size - 1)


@dataclass(eq=False, slots=True)
class Below:
    """One socket, known by its inode: descriptors are duplicated, taken away and closed."""

    inode: int = 0
    """0: nobody has accepted it yet."""
    _known: set[int] = field(default_factory=set)
    """Descriptors that it had, and may have still."""

    def has(self, fd: int) -> None:
        """Know of a descriptor of it."""
        self.inode = os.fstat(fd).st_ino
        self._known.add(fd)

    def find(self) -> int | None:
        """A descriptor of it; ``None`` once this process has none."""
        self._known = {fd for fd in self._known if inode_of(fd) == self.inode}
        if not self._known and self.inode:  # duplicated behind the back of the fake, perhaps
            self._known = {fd for fd, inode in sockets_of("self") if inode == self.inode}
        return min(self._known, default=None)

    @contextmanager
    def _twin(self) -> Iterator[socket]:
        """For as long as it takes to ask it something; OSError if it is closed."""
        fd = self.find()
        with socket(fileno=os.dup(-1 if fd is None else fd)) as twin:
            yield twin

    def option(self, level: int, name: int) -> int:
        """An option of it; 0 once it is closed."""
        with suppress(OSError), self._twin() as twin:
            return twin.getsockopt(level, name)
        return 0

    def tcp_info(self) -> bytes:
        """``struct tcp_info``."""
        with suppress(OSError), self._twin() as twin:
            return twin.getsockopt(IPPROTO_TCP, TCP_INFO, TCP_INFO_ROOM)
        return _CLOSED

    def figures(self) -> dict[str, int]:
        """The same by the names of its fields."""
        return _LAYOUT.unpack(self.tcp_info())

    @property
    def state(self) -> TcpState:
        """Of the TCP connection."""
        return TcpState(self.tcp_info()[0])

    def let_through(self, yes: bool) -> None:
        """Let segments reach it, or drop them."""
        with suppress(OSError), self._twin() as twin:
            if yes:
                twin.setsockopt(SOL_SOCKET, abi.SO_DETACH_FILTER, 0)
            else:
                twin.setsockopt(SOL_SOCKET, abi.SO_ATTACH_FILTER, _DROP_ALL)


def inode_of(fd: int) -> int | None:
    """Of the file that the descriptor is of; ``None`` if it is closed."""
    try:
        return os.fstat(fd).st_ino
    except OSError:
        return None
