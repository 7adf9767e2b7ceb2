"""The memory of a program that waits for an answer."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from errno import EFAULT
from struct import Struct
from typing import Final, NamedTuple

UINT: Final = Struct("=I")
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r|-)(w|-)\S+ +\S+ +\S+ +\S+ *(.*)")
_GREATEST: Final = (1 << 63) - 1
_STACK: Final = "[stack]"


class Fault(OSError):
    """The program gave an address that it cannot read, or write, itself (EFAULT)."""


class Mapping(NamedTuple):
    """One line of ``/proc/PID/maps``."""

    start: int
    end: int
    readable: bool
    writable: bool


def decode_maps(text: str) -> Iterator[Mapping]:
    """The mappings, in ascending order.

    The first thread's stack is there down to the mapping before it: it grows when it is used.
    """
    before = 0
    for found in map(_MAPPING.match, text.splitlines()):
        if found is None:
            continue
        start, end = int(found[1], 16), int(found[2], 16)
        yield Mapping(
            before if found[5] == _STACK else start, end, found[3] == "r", found[4] == "w"
        )
        before = end


def is_allowed(maps: str, address: int, size: int, *, write: bool) -> bool:
    """Whether a program with these mappings could read, or write, all of it itself."""
    for mapping in decode_maps(maps):
        if not mapping.start <= address < mapping.end:
            continue
        if not (mapping.writable if write else mapping.readable):
            return False
        if address + size <= mapping.end:
            return True
        size -= mapping.end - address
        address = mapping.end
    return False


class Memory:
    """The memory of the thread whose directory in /proc is open as ``directory``.

    Through ``/proc/PID/mem`` one can write where the program itself could not. Hence the look at
    its mappings. If it changes them just then, it harms only itself: memory that it shares with
    others is never written to against its protection (mem_write in ``fs/proc/base.c``).
    """

    def __init__(self, directory: int) -> None:
        self._directory = directory
        flags = os.O_RDWR | os.O_CLOEXEC
        self._memory = os.open("mem", flags, dir_fd=directory)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._memory)

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes.

        :raises Fault: the program cannot read them
        """
        self.check(address, size, write=False)
        if size == 0:
            return b""
        try:
            data = os.pread(self._memory, size, address)
        except OSError as failed:
            raise _fault(address, size) from failed
        if len(data) < size:
            raise _fault(address, size)
        return data

    def write(self, address: int, data: bytes) -> None:
        """Write all of it.

        :raises Fault: the program cannot write there
        """
        self.check(address, len(data), write=True)
        try:
            written = os.pwrite(self._memory, data, address) if data else 0
        except OSError as failed:
            raise _fault(address, len(data)) from failed
        if written < len(data):
            raise _fault(address, len(data))

    def read_length(self, address: int) -> int:
        """A ``socklen_t``; negative, as an int, if it is too large."""
        (length,) = UINT.unpack(self.read(address, UINT.size))
        return int(length) - (1 << 32 if length >> 31 else 0)

    def check(self, address: int, size: int, *, write: bool) -> None:
        """Look whether the program could reach it itself.

        :raises Fault: it could not
        """
        if size == 0:
            return
        if address + size > _GREATEST or not is_allowed(self._maps(), address, size, write=write):
            raise _fault(address, size)

    def _maps(self) -> str:
        file = os.open("maps", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory)
        with os.fdopen(file, encoding="utf-8", errors="replace") as maps:
            try:
                return maps.read()
            except OSError as failed:
                raise Fault(EFAULT, "the program has ended") from failed


def _fault(address: int, size: int) -> Fault:
    return Fault(EFAULT, f"{address:#x}, with a length of {size}, is not the program's to use so")
