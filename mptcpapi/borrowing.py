"""The connection of another process, as a descriptor of one's own that every operation takes."""

from __future__ import annotations

import os
from errno import EINVAL, ENOTCONN, EOPNOTSUPP, EPERM
from typing import Self

from mptcpapi.discovery import Connection, find
from mptcpapi.errors import (
    ConnectionEnded,
    FallenBack,
    InvalidArgument,
    MptcpError,
    NoPrivilege,
    UsageError,
    is_integer,
)
from mptcpapi.exclusion import nobody_opens
from mptcpapi.info import mptcp_in_use, read_full_info, read_inode
from mptcpapi.netlink import Closing
from mptcpapi.processes import describe_place, duplicate, owners, reaching_takes


class Borrowed(Closing):
    """A descriptor of one's own for the socket of another process; a context manager.

    Every operation of the package takes it. The connection stays open as long as it is borrowed,
    even if its owner closes it: give it back soon.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """The descriptor; negative once it is closed."""
        return self._fd

    def close(self) -> None:
        """Give it back; a second time is harmless."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with nobody_opens():  # closing it would end another thread's turn
                os.close(fd)

    @classmethod
    def of_process(cls, pid: int, fd: int) -> Self:
        """The connection that process ``pid`` has as its descriptor ``fd``, in whatever namespace.

        Source: pidfd_getfd(2). It takes the rights to trace that process: those of its user (where
        Yama does not restrict that), or CAP_SYS_PTRACE.

        :raises NoSuchConnection: there is no such process, or no such descriptor of it
        :raises NoPrivilege: that process cannot be reached; the text says what it takes
        :raises FallenBack, ConnectionEnded, InvalidArgument: it is no MPTCP connection
        """
        borrowed = cls(duplicate(pid, fd))
        try:
            _check(borrowed.fileno(), describe_place(pid, fd))
        except BaseException:
            borrowed.close()
            raise
        return borrowed

    @classmethod
    def of_token(cls, token: int) -> Self:
        """The connection with this local token in the network namespace of the calling thread.

        Source: sock_diag, ``/proc/PID/fd``, pidfd_getfd(2).

        :raises NoSuchConnection: none has this token
        :raises NoPrivilege: no process that has it can be reached; the text says what it takes
        :raises FallenBack, ConnectionEnded: it is TCP, or its application has closed it
        """
        if not is_integer(token):
            raise InvalidArgument(EINVAL, f"token {token!r}: expected an integer of 32 bits")
        connection = find(token)
        failure = _not_reachable(connection)
        for pid, fd, _ in owners({connection.inode}).get(connection.inode, ()):
            try:
                borrowed = cls.of_process(pid, fd)
            except (UsageError, NoPrivilege) as failed:  # it closed it, or may not be traced
                failure = failed
                continue
            if read_inode(borrowed.fileno()) == connection.inode:
                return borrowed
            borrowed.close()
        raise failure


def _check(fd: int, where: str) -> None:
    if not mptcp_in_use(fd):
        text = f"{where} is no MPTCP connection: it was made with another protocol, or fell back"
        raise FallenBack(EOPNOTSUPP, text)
    if not read_full_info(fd).token:
        raise ConnectionEnded(ENOTCONN, f"{where} is not connected")


def _not_reachable(connection: Connection) -> MptcpError:
    what = f"the connection {connection.token:08x}"
    if not connection.inode:
        return ConnectionEnded(ENOTCONN, f"{what} was closed by its application")
    text = f"{what} is that of a process of user {connection.uid}, which cannot be reached: "
    return NoPrivilege(EPERM, text + reaching_takes())
