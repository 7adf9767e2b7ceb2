"""What can be known of a connection without any privilege: is it MPTCP, and its subflows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from errno import EINVAL
from operator import attrgetter

from mptcpapi.abi import SubflowFlag, TcpState
from mptcpapi.diag import Diag, SubflowDiag
from mptcpapi.errors import NoSuchSubflow, is_integer
from mptcpapi.info import Descriptor, Subflow, fileno, mptcp_in_use, read_full_info, read_inode

_NO_SUBFLOW = (TcpState.CLOSE, TcpState.LISTEN)


@dataclass(frozen=True, slots=True)
class SubflowDetails(Subflow):
    """A subflow with what sock_diag tells besides; ``None`` where the kernel does not tell.

    Kernels before 6.15 tell it only to those who have CAP_NET_ADMIN.
    """

    local_id: int | None
    """Address id of ``local``; subflows from one address share it (RFC 8684, section 3.2)."""
    remote_id: int | None
    """Address id of ``remote``, given by the peer."""
    backup: bool | None
    """Whether this host asked for it to be backup (MP_JOIN's B bit, or MP_PRIO)."""
    remote_backup: bool | None
    """Whether the peer did."""
    fully_established: bool | None
    """Whether its handshake is complete: the peer acknowledged the third ACK."""


def in_use(sock: Descriptor) -> bool:
    """Whether a connected socket speaks MPTCP: false if it is TCP, or has fallen back to it.

    A socket that is not connected yet says what it will try. A connection can also fall back
    later, as long as it has one subflow, and nobody is told. Needs Linux 5.16.

    :raises SocketClosed: the socket is closed
    """
    return mptcp_in_use(fileno(sock))


def token(sock: Descriptor) -> int:
    """The connection's local token, 32 bits: its name in netlink and in events; 0 before connect.

    :raises FallenBack: the connection is TCP
    :raises Unsupported: a kernel before Linux 6.5
    """
    return read_full_info(fileno(sock)).token


def subflows(sock: Descriptor) -> tuple[Subflow, ...]:
    """The connection's subflows by ascending id, those being opened or closed included.

    Left out are a listening socket and the initial subflow once it is closed, which the kernel goes
    on listing. One system call: MPTCP_FULL_INFO, which takes no privilege.

    :raises FallenBack: the connection is TCP
    :raises Unsupported: a kernel before Linux 6.5
    """
    return _listed(fileno(sock))


def subflow_details(sock: Descriptor) -> tuple[SubflowDetails, ...]:
    """The same subflows with their address ids, priorities and handshakes.

    sock_diag is asked for each, which takes many times as long as `subflows`. The socket must be of
    the thread's network namespace, or the caller have CAP_SYS_ADMIN.

    :raises FallenBack: the connection is TCP
    :raises Unsupported: a kernel before Linux 6.5
    """
    fd = fileno(sock)
    listed = _listed(fd)
    with Diag(fd, read_inode(fd)) as diag:
        return tuple(describe(each, diag.find(each.local, each.remote)) for each in listed)


def _listed(fd: int) -> tuple[Subflow, ...]:
    listed = filter(is_open, read_full_info(fd).subflows)
    return tuple(sorted(listed, key=attrgetter("id")))


def read_tcp_info(fd: int, which: Subflow | int, size: int) -> bytes:
    """At most ``size`` bytes of a subflow's ``struct tcp_info``.

    :raises NoSuchSubflow: see `pick`
    """
    info = read_full_info(fd, tcp_info_size=size)
    return info.tcp_info(pick(info.subflows, which))


def is_open(listed: Subflow) -> bool:
    """Whether it is a subflow, or on the way to be one."""
    return listed.state not in _NO_SUBFLOW


def pick(entries: Iterable[Subflow], which: Subflow | int) -> Subflow:
    """The open subflow that the caller means.

    :raises NoSuchSubflow: it is of another connection, closed, or never was
    """
    present = [entry for entry in entries if is_open(entry)]
    for entry in present:
        if _is_meant(entry, which):
            return entry
    wanted = which.id if isinstance(which, Subflow) else repr(which)
    raise no_such_subflow(wanted, (entry.id for entry in present))


def _is_meant(entry: Subflow, which: Subflow | int) -> bool:
    """Ids count per connection, so a subflow of another one may have the same."""
    if isinstance(which, Subflow):
        return (entry.id, entry.local, entry.remote) == (which.id, which.local, which.remote)
    return is_integer(which) and entry.id == which


def describe(entry: Subflow, diag: SubflowDiag | None) -> SubflowDetails:
    """One subflow from its two sources."""
    flags = diag.flags if diag else None
    return SubflowDetails(
        id=entry.id,
        local=entry.local,
        remote=entry.remote,
        state=entry.state,
        local_id=diag.local_id if diag else None,
        remote_id=diag.remote_id if diag else None,
        backup=_has(flags, SubflowFlag.BKUP_LOC),
        remote_backup=_has(flags, SubflowFlag.BKUP_REM),
        fully_established=_has(flags, SubflowFlag.FULLY_ESTABLISHED),
    )


def no_such_subflow(wanted: object, present: Iterable[int]) -> NoSuchSubflow:
    """The error for an id that is not among the ``present`` ones."""
    listed = ", ".join(map(str, present)) or "none"
    text = f"the connection has no such subflow as {wanted}; the ids of those it has: {listed}"
    return NoSuchSubflow(EINVAL, text)


def _has(flags: SubflowFlag | None, flag: SubflowFlag) -> bool | None:
    return None if flags is None else flag in flags
