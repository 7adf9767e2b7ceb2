"""A bulk transfer whose every byte is checked on arrival."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from typing import Self

from lab.errors import ScenarioFailed
from lab.units import size, size_text

BLOCK = 1 << 16
"""bytes of the repeated pattern; at most half of it is handed to a socket at once."""

RECOGNISED = 16
"""bytes that tell a place of the pattern from all others."""

CHUNK = BLOCK // 2
"""bytes of one send or receive."""


class Pattern:
    """An endless stream of bytes, different for each seed and cheap to check at any offset."""

    def __init__(self, seed: int) -> None:
        self._block = random.Random(seed).randbytes(BLOCK)  # noqa: S311 - a seed repeats it
        self._twice = self._block + self._block

    def at(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset`` on; ``length`` is at most ``BLOCK``."""
        start = offset % BLOCK
        return self._twice[start : start + length]

    def difference(self, offset: int, data: bytes) -> str:
        """Where ``data``, which should stand at ``offset``, is something else, and what it is."""
        expected = self.at(offset, len(data))
        first = next(
            i for i, pair in enumerate(zip(data, expected, strict=True)) if len(set(pair)) > 1
        )
        other = self._twice.find(data[first : first + RECOGNISED])
        found = f"those of byte {other} of the {BLOCK} that repeat" if other >= 0 else "foreign"
        return f"the bytes from {offset + first} on are {found}"


class Transfer:
    """Bytes on their way from one connected socket to another, until :meth:`finish`.

    It sends as fast as the connection takes them. A context manager: leaving it ends the transfer
    without asking whether all has arrived, and closes both sockets.
    """

    def __init__(self, sender: socket.socket, receiver: socket.socket, pattern: Pattern) -> None:
        self._sender, self._receiver, self._pattern = sender, receiver, pattern
        self._sent = self._delivered = 0
        self._stop = threading.Event()
        self._abandoned = self._ended = False
        self._problem: str | None = None
        self._progress = threading.Condition()
        self._threads = [
            threading.Thread(target=self._watch, args=(work,), daemon=True)
            for work in (self._send, self._receive)
        ]

    @property
    def delivered(self) -> int:
        """bytes that have arrived in order and unaltered."""
        return self._delivered

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._abandoned = True
        self._stop.set()
        for end in (self._sender, self._receiver):
            # Wakes a thread that waits in send or recv; it may be closed by the other side already.
            _shut_down(end, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._sender, self._receiver):
            end.close()

    def wait_delivered(self, amount: str, *, timeout: float = 30.0) -> None:
        """Return when ``amount`` (``"2 MB"``) has been delivered since the transfer began.

        :raises ScenarioFailed: it has not within ``timeout`` seconds, or the transfer broke.
        """
        wanted = size(amount)
        self._wait(lambda: self._delivered >= wanted, f"{amount} to be delivered", timeout)

    def wait_delivered_more(self, amount: str, *, timeout: float = 30.0) -> None:
        """Return when ``amount`` has been delivered from now on; errors as above."""
        wanted = self._delivered + size(amount)
        self._wait(lambda: self._delivered >= wanted, f"{amount} more to be delivered", timeout)

    def finish(self, *, timeout: float = 30.0) -> int:
        """Stop sending, wait until all has arrived, and return how many bytes that were.

        :raises ScenarioFailed: bytes are missing after ``timeout`` seconds, or one was altered.
        """
        self._stop.set()
        self._wait(lambda: self._ended, "the end of the stream", timeout)
        if self._delivered != self._sent:
            raise ScenarioFailed(f"{self._sent} bytes were sent, {self._delivered} arrived")
        return self._delivered

    def _wait(self, reached: Callable[[], bool], what: str, timeout: float) -> None:
        with self._progress:
            self._progress.wait_for(lambda: self._problem or self._ended or reached(), timeout)
        if self._problem:
            raise ScenarioFailed(f"the transfer broke: {self._problem}")
        if self._ended and not reached():
            raise ScenarioFailed(
                f"waited for {what}, but the transfer has ended: "
                f"{size_text(self._delivered)} arrived"
            )
        if not reached():
            raise ScenarioFailed(
                f"waited {timeout:g} s for {what}; {size_text(self._delivered)} arrived"
            )

    def _watch(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, ScenarioFailed) as problem:
            if not self._abandoned:
                self._problem = str(problem)
        with self._progress:
            self._ended |= work == self._receive
            self._progress.notify_all()

    def _send(self) -> None:
        while not self._stop.is_set():
            self._sent += self._sender.send(self._pattern.at(self._sent, CHUNK))
        self._sender.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        while data := self._receiver.recv(CHUNK):
            if data != self._pattern.at(self._delivered, len(data)):
                difference = self._pattern.difference(self._delivered, data)
                raise ScenarioFailed(f"the data was altered: {difference}")
            with self._progress:
                self._delivered += len(data)
                self._progress.notify_all()


def _shut_down(end: socket.socket, how: int) -> None:
    try:
        end.shutdown(how)
    except OSError:
        return
