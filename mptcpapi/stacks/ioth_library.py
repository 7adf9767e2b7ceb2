"""Finding and loading plug-ins of libioth by its rules (README, "The API for plugin development").

A plug-in NAME is ``ioth_NAME-r.so``, which serves several stacks in one address space, or
``ioth_NAME.so``, which is loaded anew for each stack (dlmopen(3)); it lies in ``~/.ioth`` or in
``ioth`` in a directory of the system's libraries.
"""

from __future__ import annotations

import ctypes
import os
import re
import sysconfig
from errno import EAGAIN, EINVAL, ENOENT, ENOEXEC
from pathlib import Path
from threading import BoundedSemaphore
from typing import NamedTuple

from mptcpapi.errors import InvalidArgument, StackUnavailable
from mptcpapi.netlink import Closing

LM_ID_BASE = 0
LM_ID_NEWLM = -1
RTLD_NOW = 2
"""<dlfcn.h>"""

MOST_SPACES = 8
"""Address spaces at once. glibc 2.36 had room for eleven; one more is refused by it, and then
threads crash that are started later. So it is never asked for as many."""

_spaces = BoundedSemaphore(MOST_SPACES)

_libc = ctypes.CDLL(None, use_errno=True)
_dlmopen = _libc.dlmopen
_dlmopen.restype = ctypes.c_void_p
_dlmopen.argtypes = (ctypes.c_long, ctypes.c_char_p, ctypes.c_int)
_dlsym = _libc.dlsym
_dlsym.restype = ctypes.c_void_p
_dlsym.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
_dlclose = _libc.dlclose
_dlclose.argtypes = (ctypes.c_void_p,)
_dlerror = _libc.dlerror
_dlerror.restype = ctypes.c_char_p


class DlInfo(ctypes.Structure):
    """``Dl_info``, <dlfcn.h>."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


class File(NamedTuple):
    """A plug-in's file."""

    path: Path
    reentrant: bool
    """It needs no address space of its own."""


def directories() -> list[Path]:
    """Where plug-ins are looked for, in order."""
    home = Path(os.environ.get("HOME") or ".") / ".ioth"
    libraries = ["/usr/local/lib", "/usr/lib"]
    if multiarch := sysconfig.get_config_var("MULTIARCH"):
        libraries.append(f"/usr/lib/{multiarch}")
    return [home, *(Path(each, "ioth") for each in libraries)]


def find(name: str) -> File:
    """The plug-in of this name.

    :raises InvalidArgument: it cannot be the name of one
    :raises StackUnavailable: there is none
    """
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        text = f"kind 'ioth:{name}': expected ioth:NAME, with letters, digits and underlines"
        raise InvalidArgument(EINVAL, text)
    for directory in directories():
        for suffix, reentrant in (("-r", True), ("", False)):
            path = directory / f"ioth_{name}{suffix}.so"
            if path.is_file():
                return File(path, reentrant)
    places = ", ".join(map(str, directories()))
    raise StackUnavailable(ENOENT, f"there is no plug-in ioth_{name}.so in {places}")


class Library(Closing):
    """A loaded plug-in, until it is closed.

    :raises StackUnavailable: it cannot be loaded
    """

    def __init__(self, file: File) -> None:
        self._private = not file.reentrant
        if self._private and not _spaces.acquire(blocking=False):
            text = f"{MOST_SPACES} plug-ins in address spaces of their own are loaded: close one"
            raise StackUnavailable(EAGAIN, text)
        space = LM_ID_NEWLM if self._private else LM_ID_BASE
        self._handle = _dlmopen(space, os.fsencode(file.path), RTLD_NOW)
        if not self._handle:
            self._give_back()
            why = os.fsdecode(_dlerror() or b"")
            raise StackUnavailable(ENOEXEC, f"cannot load {file.path}: {why}")
        # The errno of a libc that is loaded in another address space is another one.
        location = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_int))
        self._errno = location(self.symbol("__errno_location") or 0)

    def symbol(self, name: str) -> int | None:
        """The address of a function or variable of it, or of what it is linked to."""
        found: int | None = _dlsym(self._handle, name.encode())
        return found

    def errno(self) -> int:
        """That of its last call in this thread."""
        return int(self._errno().contents.value)

    def close(self) -> None:
        """Unload it."""
        if self._handle:
            _dlclose(self._handle)
            self._handle = None
            self._give_back()

    def _give_back(self) -> None:
        if self._private:
            _spaces.release()


def is_libc(function: int) -> bool:
    """Whether a function is the C library's own, of whatever address space."""
    found = DlInfo()
    _libc.dladdr(ctypes.c_void_p(function), ctypes.byref(found))
    return Path(os.fsdecode(found.file or b"")).name.startswith("libc.so")
