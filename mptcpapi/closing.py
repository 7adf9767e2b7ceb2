"""Ending one subflow of a connection: with FIN, or at once with RST."""

from __future__ import annotations

from errno import EINVAL, ENOENT, EOPNOTSUPP, ESRCH
from socket import SHUT_RD, SHUT_RDWR, SHUT_WR

from mptcpapi.control import DEFAULT_TIMEOUT, control
from mptcpapi.deadline import Deadline
from mptcpapi.errors import InvalidArgument, KernelRefused, Unsupported
from mptcpapi.info import Descriptor, Subflow

_WAYS = (SHUT_RD, SHUT_WR, SHUT_RDWR)


def close_subflow(
    sock: Descriptor,
    subflow: Subflow | int,
    how: int = SHUT_RDWR,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> None:
    """Close one subflow with FIN in both directions; what it had not delivered goes another way.

    ``subflow``: as `subflows` or `open_subflow` gave it, or its id. ``how``: as for ``shutdown``;
    SHUT_RD, SHUT_WR and SHUT_RDWR do the same, since a subflow cannot be half closed: data goes
    over any subflow in either direction (RFC 8684, section 3.3.3). Returns when this host has given
    it up (``timeout`` in seconds). The connection lives on without any subflow for
    ``net.mptcp.close_timeout`` (60 s). Source: SUBFLOW_DESTROY.

    :raises NoSuchSubflow: the connection has no such subflow
    :raises InvalidArgument: ``how`` is none of the three
    :raises SubflowTimeout: the kernel still lists it
    :raises NoPrivilege, PathManagerNotUserspace, FallenBack, ConnectionEnded, SocketClosed:
        see `mptcpapi.errors`
    """
    if how not in _WAYS:
        text = f"how {how!r}: expected SHUT_RD (0), SHUT_WR (1) or SHUT_RDWR (2)"
        raise InvalidArgument(EINVAL, text)
    deadline = Deadline(timeout)
    with control(sock) as connection:
        entry = connection.find(subflow)
        try:
            connection.manager.destroy(entry.local, entry.remote)
        except KernelRefused as refused:
            if refused.errno != ESRCH:  # the peer was faster
                raise
        connection.wait_until_gone(entry, deadline)


def abort_subflow(
    sock: Descriptor, subflow: Subflow | int, *, timeout: float = DEFAULT_TIMEOUT
) -> None:
    """End one subflow at once: RST with MP_TCPRST on it (RFC 8684, section 3.6), and no FIN.

    ``subflow`` and ``timeout`` as for `close_subflow`. Other subflows go on, and carry again what
    this one had not delivered. Any path manager will do. Source: SOCK_DESTROY of sock_diag, with
    the cookie of the subflow, so that no other socket can be hit.

    :raises NoSuchSubflow: the connection has no such subflow
    :raises Unsupported: a kernel without CONFIG_INET_DIAG_DESTROY
    :raises SubflowTimeout: the kernel still lists it
    :raises NoPrivilege, FallenBack, ConnectionEnded, SocketClosed: see `mptcpapi.errors`
    """
    deadline = Deadline(timeout)
    with control(sock) as connection:
        entry = connection.find(subflow)
        found = connection.diag.find(entry.local, entry.remote)
        if found is not None:
            try:
                connection.diag.destroy(found)
            except KernelRefused as refused:
                _pass_over_if_gone(refused)
        connection.wait_until_gone(entry, deadline)


def _pass_over_if_gone(refused: KernelRefused) -> None:
    if refused.errno == EOPNOTSUPP:
        text = "this kernel cannot abort a subflow: it is built without CONFIG_INET_DIAG_DESTROY"
        raise Unsupported(EOPNOTSUPP, text) from refused
    if refused.errno != ENOENT:  # the peer was faster
        raise refused
