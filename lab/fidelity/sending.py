"""Sending without ever waiting for room."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Self

UDP_SEGMENT = 103
"""<linux/udp.h>: one call sends many packets"""

BUFFER = 1 << 22
"""bytes, of which the kernel gives net.core.wmem_max"""

MOST = 200
"""sockets; where the kernel gives 208 KiB each, a queue of more than 10 MB finds room in them"""


class Sender:
    """Sends from as many sockets as it takes. A context manager.

    On some kernels (Linux 6.1) a packet that waits in a queue of a wire still takes room in the
    buffer of the socket that sent it: one socket would wait, and fill 190 kB of a queue at most.

    ``opened`` makes a socket that is connected to the receiver.
    """

    def __init__(self, opened: Callable[[], socket.socket]) -> None:
        self._opened = opened
        self._sockets: list[socket.socket] = []
        self._first = 0
        """the one that had room the last time"""

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            each.close()

    def send(self, payload: bytes, size: int = 0) -> bool:
        """Send it, in packets of ``size`` bytes if that is not 0; say whether there was room."""
        sizes = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))] if size else []
        while True:
            for _ in self._sockets:
                with suppress(BlockingIOError):
                    self._sockets[self._first].sendmsg([payload], sizes, socket.MSG_DONTWAIT)
                    return True
                self._first = (self._first + 1) % len(self._sockets)
            if len(self._sockets) >= MOST:
                return False
            self._open()

    def _open(self) -> None:
        opened = self._opened()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self._first = len(self._sockets)
        self._sockets.append(opened)
