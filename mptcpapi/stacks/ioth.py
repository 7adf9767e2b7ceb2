"""The kind ``ioth:NAME``: plug-ins of libioth, which need not be installed."""

from __future__ import annotations

import ctypes
import os
import socket
import stat
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from errno import EINVAL, ENOTSOCK
from io import FileIO

from mptcpapi import abi, netns, syscalls
from mptcpapi.errors import InvalidArgument, StackBusy, StackUnavailable
from mptcpapi.stacks import living, open_sockets, seam
from mptcpapi.stacks.foreign import ForeignStack
from mptcpapi.stacks.ioth_functions import Plugin
from mptcpapi.stacks.ioth_library import Library, find
from mptcpapi.stacks.ioth_probe import takes_options
from mptcpapi.stacks.ioth_socket import IothSocket


def make(
    detail: str, vnls: Sequence[str], *, license: str | None = None, resolver: str | None = None
) -> Ioth:
    """A stack of the plug-in NAME; ``detail`` is ``NAME`` or, as in libioth, ``NAME,OPTIONS``.

    ``license``: that of the program (SPDX), for plug-ins that care.
    """
    name, _, options = detail.partition(",")
    file = find(name)
    wants_options = takes_options(file, name, license)
    if options and not wants_options:
        raise InvalidArgument(EINVAL, f"the plug-in {file.path} takes no options")
    with ExitStack() as undo:
        library = undo.enter_context(Library(file))
        plugin = Plugin(library, name)
        try:
            plugin.newstack(_vnlv(vnls), options.encode() if wants_options else None)
        except OSError as refused:
            networks = ", ".join(vnls) or "no network"
            text = f"the plug-in {file.path} makes no stack on {networks}: {refused.strerror}"
            raise StackUnavailable(refused.errno, text) from refused
        undo.callback(plugin.end)
        stack = Ioth(f"ioth:{detail}", plugin, resolver=resolver)
        undo.pop_all()
    return stack


def _vnlv(vnls: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(vnls) + 1))(*map(os.fsencode, vnls), None)


class Ioth(ForeignStack):
    """A stack of a plug-in."""

    def __init__(self, name: str, plugin: Plugin, *, resolver: str | None) -> None:
        super().__init__(name, resolver=resolver)
        self._plugin = plugin
        self._inodes: set[int] = set()
        self._namespace: FileIO | None = None
        self._class: type[IothSocket] = type(
            "IothSocket", (IothSocket,),
            {"__slots__": (), "plugin": plugin, "accepted": staticmethod(self._count)},
        )  # fmt: skip

    def _make(self, family: int, type: int, protocol: int) -> socket.socket:
        if self._plugin.is_kernels():
            return super()._make(family, type, protocol)
        fd = self._descriptor(family, type, protocol)
        return self._class(family, type, protocol, fileno=fd)

    def _use(self) -> AbstractContextManager[None]:
        become = None if self._plugin.is_kernels() else self._class
        return seam.made_by(self._held_descriptor, become)

    def _descriptor(self, family: int, type: int, protocol: int) -> int:
        fd = self._plugin.call("socket", family, type, protocol)
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            self._plugin.call("close", fd)
            text = f"{self}: its sockets are no sockets of the kernel's, which Python's have to be"
            raise StackUnavailable(ENOTSOCK, text)
        os.set_inheritable(fd, False)
        self._count(fd)
        return fd

    def _count(self, fd: int) -> None:
        """Keep account of a socket by its inode, which no other one has while it is open.

        What plain sockets accept nobody tells; where they have a namespace of their own, it does.
        """
        self._inodes.add(os.fstat(fd).st_ino)
        if self._namespace is None and self._plugin.is_kernels():
            self._namespace = _private_namespace(fd)

    def _open_sockets(self) -> int:
        if self._namespace is not None:
            return open_sockets.count(self._namespace.fileno())
        found = (_inode(int(name)) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
        return sum(inode in self._inodes for inode in found)

    def _delete(self) -> None:
        try:
            self._plugin.end()
        except OSError as refused:
            self._deleted = False
            living.add(self)
            text = f"{self}: the plug-in does not delete it: {refused.strerror}"
            raise StackBusy(refused.errno, text) from refused
        if self._namespace is not None:
            self._namespace.close()

    def forked(self) -> None:
        """This process is a child: what another thread held in the parent nobody holds here."""
        super().forked()
        self._plugin.forked()


def _private_namespace(fd: int) -> FileIO | None:
    """The namespace of a socket, if it is not the calling thread's, which has other sockets too."""
    try:
        found = syscalls.current.ioctl(fd, abi.SIOCGSKNS)
    except OSError:  # it is not ours to ask about
        return None
    of_it = os.fstat(found.fileno())
    if (of_it.st_dev, of_it.st_ino) != netns.own_namespace():
        return found
    found.close()
    return None


def _inode(fd: int) -> int:
    try:
        return os.fstat(fd).st_ino
    except OSError:  # closed meanwhile
        return 0
