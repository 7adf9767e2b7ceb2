"""``struct ioth_functions`` of libioth (ioth.h): what a plug-in fills in, and calls of it."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EBADF, ENOSYS
from typing import Any

from mptcpapi.errors import StackDeleted
from mptcpapi.stacks.ioth_library import Library, is_libc
from mptcpapi.stacks.ioth_trial import FUNCTIONS, Functions, getstackdata_type

_int, _size, _pointer = ctypes.c_int, ctypes.c_ssize_t, ctypes.c_void_p

TYPES: dict[str, tuple[Any, ...]] = {
    "delstack": (_int, _pointer),
    "socket": (_int, _int, _int, _int),
    "close": (_int, _int),
    "bind": (_int, _int, _pointer, ctypes.c_uint),
    "connect": (_int, _int, _pointer, ctypes.c_uint),
    "listen": (_int, _int, _int),
    "accept": (_int, _int, _pointer, _pointer),
    "getsockname": (_int, _int, _pointer, _pointer),
    "getpeername": (_int, _int, _pointer, _pointer),
    "setsockopt": (_int, _int, _int, _int, _pointer, ctypes.c_uint),
    "getsockopt": (_int, _int, _int, _int, _pointer, _pointer),
    "shutdown": (_int, _int, _int),
    "fcntl": (_int, _int, _int, ctypes.c_long),
    "read": (_size, _int, _pointer, ctypes.c_size_t),
    "recv": (_size, _int, _pointer, ctypes.c_size_t, _int),
    "recvfrom": (_size, _int, _pointer, ctypes.c_size_t, _int, _pointer, _pointer),
    "recvmsg": (_size, _int, _pointer, _int),
    "write": (_size, _int, _pointer, ctypes.c_size_t),
    "send": (_size, _int, _pointer, ctypes.c_size_t, _int),
    "sendto": (_size, _int, _pointer, ctypes.c_size_t, _int, _pointer, ctypes.c_uint),
    "sendmsg": (_size, _int, _pointer, _int),
}
"""What each returns, and its arguments; those that this package calls."""

_now = threading.local()


@getstackdata_type  # type: ignore[untyped-decorator]
def _getstackdata() -> int:
    """What a plug-in calls to know for which of its stacks it was called."""
    return getattr(_now, "data", None) or 0


class Plugin:
    """The functions of one stack of a plug-in."""

    def __init__(self, library: Library, name: str) -> None:
        self._library = library
        self.table = Functions()
        self.table.getstackdata = ctypes.cast(_getstackdata, ctypes.c_void_p).value
        for each in FUNCTIONS[1:]:
            setattr(self.table, each, library.symbol(f"ioth_{name}_{each}"))
        self.data: int | None = None
        """What newstack returned."""
        self._lock = threading.Lock()
        self._calls = 0
        self._ended = False

    def newstack(self, vnls: ctypes.Array[Any], options: bytes | None) -> None:
        """Make the stack; ``options`` are ``None`` for plug-ins whose newstack takes none.

        :raises OSError: the plug-in's errno
        """
        plain = (_pointer, _pointer) if options is None else (_pointer, ctypes.c_char_p, _pointer)
        function = ctypes.CFUNCTYPE(_pointer, *plain)(self.table.newstack)
        given = () if options is None else (options,)
        self.data = function(ctypes.addressof(vnls), *given, ctypes.addressof(self.table))
        if not self.data:
            code = self._library.errno()
            raise OSError(code, os.strerror(code) if code else "it says not why")

    def has(self, name: str) -> bool:
        """Whether it has a function of this name."""
        return bool(getattr(self.table, name))

    def is_kernels(self) -> bool:
        """Whether its sockets are the kernel's: all that it does to them is the C library's."""
        given = [getattr(self.table, each) for each in TYPES if each not in {"delstack", "socket"}]
        return all(is_libc(function) for function in given if function)

    def call(self, name: str, *arguments: Any) -> int:
        """Call a function.

        :raises OSError: it returned -1, or there is none (ENOSYS, as libioth has it)
        :raises StackDeleted: the stack has ended
        """
        if not self.has(name):
            raise OSError(ENOSYS, f"this plug-in has no {name}")
        with self._entered():
            return self._called(name, *arguments)

    def end(self) -> None:
        """Delete the stack and unload the plug-in, when the last call in it has returned.

        :raises OSError: it returned -1: the stack lives on
        """
        with self._lock:
            self._ended = True
            idle = not self._calls
        if idle:
            try:
                self._unload()
            except OSError:
                self._ended = False
                raise

    def forked(self) -> None:
        """This process is a child: no other thread is in a call."""
        self._lock = threading.Lock()
        self._calls = 0

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Keep the plug-in in memory."""
        with self._lock:
            if self._ended:
                raise StackDeleted(EBADF, "the stack of this socket was deleted")
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
                last = self._ended and not self._calls
            if last:
                with suppress(OSError):  # it stays loaded: nobody is here to be told
                    self._unload()

    def _unload(self) -> None:
        if self.has("delstack"):
            self._called("delstack", self.data)
        self._library.close()

    def _called(self, name: str, *arguments: Any) -> int:
        address = getattr(self.table, name)
        with self._current():
            result = int(ctypes.CFUNCTYPE(*TYPES[name])(address)(*arguments))
        if result < 0:
            code = self._library.errno()
            raise OSError(code, os.strerror(code))
        return result

    @contextmanager
    def _current(self) -> Iterator[None]:
        before = getattr(_now, "data", None)
        _now.data = self.data
        try:
            yield
        finally:
            _now.data = before
