"""``struct ioth_functions`` of libioth (ioth.h): what a plug-in fills in, and calls of it."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSYS
from typing import Any

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
    "write": (_size, _int, _pointer, ctypes.c_size_t),
    "send": (_size, _int, _pointer, ctypes.c_size_t, _int),
    "sendto": (_size, _int, _pointer, ctypes.c_size_t, _int, _pointer, ctypes.c_uint),
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
        """
        address = getattr(self.table, name)
        if not address:
            raise OSError(ENOSYS, f"this plug-in has no {name}")
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
