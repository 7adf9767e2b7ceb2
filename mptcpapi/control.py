"""What one call needs to steer a connection; re-prioritising its subflows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EINVAL, ETIMEDOUT
from time import sleep

from mptcpapi.abi import TcpState
from mptcpapi.deadline import Deadline
from mptcpapi.diag import Diag
from mptcpapi.endpoint import Endpoint
from mptcpapi.errors import (
    InvalidArgument,
    KernelRefused,
    MptcpError,
    PathManagerNotUserspace,
    SocketClosed,
    SubflowTimeout,
)
from mptcpapi.info import (
    Descriptor,
    Subflow,
    another_connection,
    fileno,
    read_full_info,
    read_inode,
    read_names,
)
from mptcpapi.pathmanager import PathManager
from mptcpapi.subflow import SubflowDetails, describe, is_open, pick

DEFAULT_TIMEOUT = 10.0
"""Seconds."""
POLL_INTERVAL = 0.001
"""Seconds between two looks at something of which the kernel sends no event."""


@dataclass(frozen=True, slots=True)
class Control:
    """What one call needs to steer one connection, for as long as the call lasts."""

    fd: int
    token: int
    local: Endpoint
    """Of the initial subflow."""
    remote: Endpoint
    """Of the initial subflow."""
    manager: PathManager
    diag: Diag

    def entries(self) -> tuple[Subflow, ...]:
        """The subflows now, closed ones that are still listed included.

        :raises ConnectionEnded: it ended meanwhile
        :raises SocketClosed: another thread closed the socket
        """
        info = read_full_info(self.fd)
        if info.token != self.token:
            raise another_connection(self.fd, info.token)
        return info.subflows

    def find(self, which: Subflow | int) -> Subflow:
        """The subflow that the caller means.

        :raises NoSuchSubflow: it is of another connection, closed, or never was
        """
        return pick(self.entries(), which)

    def describe(self, entry: Subflow) -> SubflowDetails:
        """The subflow as it is now."""
        return describe(entry, self.diag.find(entry.local, entry.remote))

    def wait_until_gone(self, entry: Subflow, deadline: Deadline) -> None:
        """Return when this host has given the subflow up (as it may before the peer knows)."""
        while self._has(entry):
            if deadline.passed:
                text = f"subflow {entry.id} was still listed {deadline.seconds:g} s after the call"
                raise SubflowTimeout(ETIMEDOUT, text)
            sleep(POLL_INTERVAL)

    def _has(self, entry: Subflow) -> bool:
        """Whether the subflow is one still.

        The last one of a connection that was shut down stays in FIN_WAIT2 until the peer ends it.
        """
        present = [each for each in self.entries() if is_open(each)]
        mine = next((each for each in present if each.id == entry.id), None)
        return mine is not None and (len(present) > 1 or mine.state is not TcpState.FIN_WAIT2)

    def take_back(self, entry: Subflow) -> None:
        """Close a subflow of a call that failed, if it is there still."""
        with suppress(MptcpError):  # it, or the whole connection, may be gone by itself
            with suppress(SocketClosed):  # netlink can do without the socket
                self.find(entry)
            self.manager.destroy(entry.local, entry.remote)

    def make_backup(self, entry: Subflow, backup: bool, deadline: Deadline) -> SubflowDetails:
        """Send MP_PRIO; the subflow, once it shows the priority (no event is sent at this host)."""
        try:
            self.manager.set_backup(entry.local, entry.remote, backup=backup)
        except KernelRefused:
            self.find(entry.id)  # it may just have been closed
            raise
        while True:
            subflow = self.describe(self.find(entry.id))
            if subflow.backup == backup:
                return subflow
            if deadline.passed:
                text = f"subflow {entry.id} did not take its priority in {deadline.seconds:g} s"
                raise SubflowTimeout(ETIMEDOUT, text)
            sleep(POLL_INTERVAL)


@contextmanager
def control(sock: Descriptor) -> Iterator[Control]:
    """Reach for the controls of a connection, for one call."""
    fd = fileno(sock)
    info = read_full_info(fd)
    local, remote = read_names(fd)
    with PathManager(fd, info.token) as manager, Diag(fd, read_inode(fd)) as diag:
        reached = Control(fd, info.token, local, remote, manager, diag)
        try:
            yield reached
        except PathManagerNotUserspace:
            reached.entries()
            read_names(fd)  # of a connection that has ended the kernel says the same
            raise


def set_backup(
    sock: Descriptor, subflow: Subflow | int, backup: bool, *, timeout: float = DEFAULT_TIMEOUT
) -> SubflowDetails:
    """Make a subflow backup or normal, for both directions, and tell the peer with MP_PRIO.

    A backup subflow carries data only while no other one can. Returns the subflow as it then is.
    Source: SET_FLAGS, confirmed by MPTCP_SUBFLOW_FLAG_BKUP_LOC; ``timeout`` in seconds.

    :raises NoSuchSubflow: the connection has no such subflow
    :raises InvalidArgument: ``backup`` is no bool
    :raises SubflowTimeout: the kernel does not show the new priority
    :raises NoPrivilege, PathManagerNotUserspace, FallenBack, ConnectionEnded, SocketClosed:
        see `mptcpapi.errors`
    """
    check_backup(backup)
    deadline = Deadline(timeout)
    with control(sock) as connection:
        return connection.make_backup(connection.find(subflow), backup, deadline)


def check_backup(backup: object) -> None:
    """Refuse what is not a bool: no subflow would ever show such a priority.

    :raises InvalidArgument: it is none
    """
    if not isinstance(backup, bool):
        raise InvalidArgument(EINVAL, f"backup {backup!r}: expected True or False")
