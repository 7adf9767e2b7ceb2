"""Which socket of the kernel a subflow is, beyond doubt."""

from __future__ import annotations

from errno import EINVAL
from typing import NamedTuple

from mptcpapi.diag import Diag
from mptcpapi.errors import NoSuchSubflow
from mptcpapi.info import Subflow, another_connection, read_full_info, read_inode
from mptcpapi.subflow import pick


class Target(NamedTuple):
    """A subflow's socket."""

    entry: Subflow
    cookie: int
    """The kernel's name for the socket, never used again: unlike addresses and ports."""


def locate(fd: int, which: Subflow | int) -> Target:
    """The socket of a subflow of the connection ``fd``.

    The cookie is looked up by addresses and ports. The subflow had these all the time if it is
    listed before and after, since an id is never used again.

    :raises NoSuchSubflow: the connection has no such subflow, or it is closing
    """
    before = read_full_info(fd)
    entry = pick(before.subflows, which)
    with Diag(fd, read_inode(fd)) as diag:
        found = diag.find(entry.local, entry.remote)
    after = read_full_info(fd)
    if after.token != before.token:
        raise another_connection(fd, after.token)
    pick(after.subflows, entry.id)
    if found is None:
        raise no_socket(entry)
    return Target(entry, found.cookie)


def no_socket(entry: Subflow) -> NoSuchSubflow:
    """The error for a subflow that is listed, but whose socket cannot be reached."""
    return NoSuchSubflow(
        EINVAL,
        f"subflow {entry.id} is in state {entry.state.name}, and its socket is not found: it is "
        "closing, or in a network namespace that this thread may not enter (CAP_SYS_ADMIN)",
    )
