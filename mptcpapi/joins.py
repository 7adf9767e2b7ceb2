"""What a host needs to let the subflows in that its peer opens, besides the connection itself."""

from __future__ import annotations

import os
import socket
from abc import abstractmethod
from contextlib import ExitStack, suppress
from errno import EIO
from threading import RLock
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary, finalize

from mptcpapi import abi, syscalls
from mptcpapi.endpoint import Endpoint
from mptcpapi.errors import KernelRefused, NoPrivilege, Unsupported, raise_if_exhausted
from mptcpapi.netlink import Closing, Netlink, mptcp_pm_family
from mptcpapi.netns import namespace_of, own_namespace
from mptcpapi.settings import is_userspace_chosen

_LEAST_SWEPT = 8
"""Detached descriptors up to which nobody looks whether they are still open."""


class Shared(Closing):
    """Something that several hold: each closes it once, and the last one ends it."""

    def __init__(self) -> None:
        self._holders = 1
        self._lock = RLock()  # Python may forget a holder at any moment

    def share(self) -> bool:
        """Have one holder more; false if it has ended."""
        with self._lock:
            self._holders += self._holders > 0
            return self._holders > 0

    def close(self) -> None:
        """Give up one holder's part."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._end()

    @abstractmethod
    def _end(self) -> None:
        """Give back what it is."""


S = TypeVar("S", bound=Shared)


class _Part(Generic[S]):
    """One holder's part of something shared, which it also gives up when Python forgets it."""

    def __init__(self, holder: object, shared: S) -> None:
        self.shared = shared
        self.close = finalize(holder, shared.close)
        """A second time is harmless."""
        self.close.atexit = False


class Admission(Shared):
    """A listener of events; without one the userspace path manager refuses.

    The kernel resets a subflow that the peer opens to a connection of the userspace path manager,
    after the third ACK, unless somebody listens to ``mptcp_pm_events``: it supposes a path manager
    there (``mptcp_userspace_pm_active`` in ``net/mptcp/pm_userspace.c``). This one listens and
    takes nothing.
    """

    def __init__(self, netlink: Netlink) -> None:
        super().__init__()
        self._netlink = netlink

    def _end(self) -> None:
        self._netlink.close()


class JoinListener(Shared):
    """A socket that listens at an announced address, for all connections that announce it."""

    def __init__(self, listening: socket.socket) -> None:
        super().__init__()
        self.socket = listening

    def _end(self) -> None:
        self.socket.close()


class Kept(NamedTuple):
    """What `Joins` keep, as it is sent to another process."""

    admits: bool
    """Whether subflows are to be accepted."""
    listening: dict[int, socket.socket]
    """By the id of the address that was announced."""


class Joins(Shared):
    """What a socket keeps open for as long as its peer's subflows are to get in."""

    def __init__(self) -> None:
        super().__init__()
        self.was_admitted = False
        """Whether it was tried to have the path manager accept subflows."""
        self._admission: _Part[Admission] | None = None
        self._listeners: dict[int, _Part[JoinListener]] = {}
        """By the id of the address that was announced."""

    @property
    def is_empty(self) -> bool:
        """Whether it keeps nothing."""
        return self._admission is None and not self._listeners

    def admit(self, fd: int) -> None:
        """Have the userspace path manager accept subflows of the socket ``fd``.

        Nothing happens where the kernel's path manager is the chosen one; nor without
        CAP_NET_ADMIN, where another process has to do it.
        """
        self.was_admitted = True
        detached.sweep()
        if self._admission is None:
            with suppress(NoPrivilege, Unsupported):
                made = _admission(fd)
                self._admission = None if made is None else _Part(self, made)

    def admit_too(self, accepted: Joins) -> None:
        """The same for a connection that a listening socket has accepted."""
        if self._admission is not None and self._admission.shared.share():
            accepted._admission = _Part(accepted, self._admission.shared)

    def keep(self, address_id: int, listener: JoinListener) -> None:
        """Take over a listener at an announced address."""
        with _lock:  # or of two that are kept at once one would be forgotten, and not closed
            self.drop(address_id)
            self._listeners[address_id] = _Part(self, listener)

    def drop(self, address_id: int) -> None:
        """Give up the listener at an address, if there is one."""
        if listener := self._listeners.pop(address_id, None):
            listener.close()

    def kept(self) -> Kept:
        """What another process needs to keep the same."""
        listening = {number: part.shared.socket for number, part in self._listeners.items()}
        return Kept(self._admission is not None, listening)

    def keep_too(self, kept: Kept, fd: int) -> None:
        """Keep, for the socket ``fd``, what another process had."""
        if kept.admits:
            self.admit(fd)
        for address_id, listening in kept.listening.items():
            self.keep(address_id, JoinListener(listening))

    def _end(self) -> None:
        for address_id in tuple(self._listeners):
            self.drop(address_id)
        admission, self._admission = self._admission, None
        if admission is not None:
            admission.close()


class _Detached:
    """What descriptors keep that no `Socket` has any more: ``ssl`` takes its sockets so.

    Nobody tells when such a descriptor is closed. So it is looked at now and then: what it kept
    goes a while later, or when the room is needed.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, Joins]] = {}
        """Inode of the socket, and what it keeps, by descriptor."""
        self._most = _LEAST_SWEPT

    def leave(self, fd: int, joins: Joins) -> None:
        """Let the descriptor keep it."""
        with _lock:
            if len(self._kept) >= self._most:
                self.sweep()
                self._most = max(_LEAST_SWEPT, 2 * len(self._kept))
            self._kept[fd] = (os.fstat(fd).st_ino, joins)

    def take(self, fd: int) -> Joins | None:
        """What the descriptor keeps, for a socket object that takes it over."""
        if fd not in self._kept:
            return None
        with _lock:
            self.sweep()
            _, joins = self._kept.pop(fd, (0, None))
            return joins

    def sweep(self) -> None:
        """Give up what closed descriptors kept."""
        with _lock:
            for fd, (inode, joins) in tuple(self._kept.items()):
                if not _is_socket(fd, inode):
                    del self._kept[fd]
                    joins.close()


def _is_socket(fd: int, inode: int) -> bool:
    try:
        return os.fstat(fd).st_ino == inode
    except OSError:
        return False


detached = _Detached()
_listeners: WeakValueDictionary[tuple[object, ...], JoinListener] = WeakValueDictionary()
"""By kernel (there may be a fake one), network namespace and endpoint."""
_lock = RLock()
"""Held while any of these, or what a socket keeps, is looked up and changed."""


def _renew_lock() -> None:
    """In a child of fork no thread would release it."""
    global _lock
    _lock = RLock()


os.register_at_fork(after_in_child=_renew_lock)


def _admission(fd: int) -> Admission | None:
    """A new one for the socket ``fd``; ``None`` if its connections have the kernel's."""
    with namespace_of(fd):
        if not is_userspace_chosen():
            return None
    with ExitStack() as undo:
        netlink = undo.enter_context(Netlink(abi.NETLINK_GENERIC, beside=fd))
        netlink.drop_everything()
        netlink.join(mptcp_pm_family().event_group)
        undo.pop_all()
        return Admission(netlink)


def listen_at(fd: int, local: Endpoint) -> JoinListener:
    """What listens with MPTCP in the network namespace of ``fd``; one for all of this process.

    A SYN with MP_JOIN wants one at the address and port that it goes to, whatever the connection
    (``subflow_check_req`` in ``net/mptcp/subflow.c``); the subflow does not go through ``accept``.

    :raises KernelRefused: it cannot listen there; errno and text say why
    """
    with namespace_of(fd), _lock:
        detached.sweep()
        place = (syscalls.current, own_namespace(), local)
        found = _listeners.get(place)
        if found is None or not found.share():
            found = _listeners[place] = JoinListener(_listen(local))
        return found


def _listen(local: Endpoint) -> socket.socket:
    with ExitStack() as undo:
        try:
            listener = syscalls.current.stream_socket(local.family, abi.IPPROTO_MPTCP)
            undo.callback(listener.close)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(tuple(local))
            listener.listen()
        except OSError as failed:
            raise_if_exhausted(failed)
            code = failed.errno or EIO
            text = f"cannot listen at {local}: {os.strerror(code)}"
            raise KernelRefused(code, text) from failed
        undo.pop_all()
        return listener
