"""What a host needs to let the subflows in that its peer opens, besides the connection itself."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, suppress
from errno import EIO
from threading import Lock
from typing import Self

from mptcpapi import abi, syscalls
from mptcpapi.endpoint import Endpoint
from mptcpapi.errors import KernelRefused, NoPrivilege, Unsupported, raise_if_exhausted
from mptcpapi.netlink import Closing, Netlink, mptcp_pm_family
from mptcpapi.netns import namespace_of
from mptcpapi.settings import is_userspace_chosen


class Admission(Closing):
    """A listener of events, for all that share it; without one the userspace path manager refuses.

    The kernel resets a subflow that the peer opens to a connection of the userspace path manager,
    after the third ACK, unless somebody listens to ``mptcp_pm_events``: it supposes a path manager
    there (``mptcp_userspace_pm_active`` in ``net/mptcp/pm_userspace.c``). This one listens and
    takes nothing.
    """

    def __init__(self, netlink: Netlink) -> None:
        self._netlink = netlink
        self._holders = 1
        self._lock = Lock()

    def share(self) -> Self:
        """The same for another holder, who closes it once as well."""
        with self._lock:
            self._holders += 1
        return self

    def close(self) -> None:
        """Give up one holder's part; the last one's ends it."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._netlink.close()


class Joins(Closing):
    """What one socket keeps open for as long as its peer's subflows are to get in."""

    def __init__(self) -> None:
        self._admission: Admission | None = None
        self._listeners: dict[int, socket.socket] = {}
        """By the id of the address that was announced."""

    def admit(self, fd: int) -> None:
        """Have the userspace path manager accept subflows of the socket ``fd``.

        Nothing happens where the kernel's path manager is the chosen one; nor without
        CAP_NET_ADMIN, where another process has to do it.
        """
        if self._admission is None:
            with suppress(NoPrivilege, Unsupported):
                self._admission = _admission(fd)

    def admit_too(self, accepted: Joins) -> None:
        """The same for a connection that a listening socket has accepted."""
        if self._admission is not None:
            accepted._admission = self._admission.share()

    def keep(self, address_id: int, listener: socket.socket) -> None:
        """Take over a listener at an announced address."""
        self.drop(address_id)
        self._listeners[address_id] = listener

    def drop(self, address_id: int) -> None:
        """Close the listener at an address, if there is one."""
        if listener := self._listeners.pop(address_id, None):
            listener.close()

    def close(self) -> None:
        """Give back everything; a second time is harmless."""
        for address_id in tuple(self._listeners):
            self.drop(address_id)
        admission, self._admission = self._admission, None
        if admission is not None:
            admission.close()


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


def listen_at(fd: int, local: Endpoint) -> socket.socket:
    """A socket that listens with MPTCP in the network namespace of ``fd``.

    A SYN with MP_JOIN wants one at the address and port that it goes to, whatever the connection
    (``subflow_check_req`` in ``net/mptcp/subflow.c``); the subflow does not go through ``accept``.

    :raises KernelRefused: it cannot listen there; errno and text say why
    """
    with namespace_of(fd), ExitStack() as undo:
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
