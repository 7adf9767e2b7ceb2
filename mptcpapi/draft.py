"""The socket API of draft-hesmans-mptcp-socket, for programs that are ported from it.

    from mptcpapi import draft

    flow = draft.make_flow("10.0.2.1", 0, "server.example", 5001)
    number = draft.open_sub(sock, flow)
    draft.close_sub(sock, number, socket.SHUT_RDWR)

The names are those of the libraries that wrapped the draft's socket options; the operations are
those of `mptcpapi`, and so are their needs and errors. Where the draft has a rule for ``errno``,
it holds: EOPNOTSUPP for a connection that is not MPTCP, EINVAL for a subflow that the connection
does not have, ENOPROTOOPT for an unknown option. In the draft an id is 8 bits wide, so none above
255 is taken or given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EINVAL, ENOPROTOOPT, EOVERFLOW
from socket import (
    AF_UNSPEC,
    IPPROTO_TCP,
    SHUT_RDWR,
    TCP_INFO,
)
from typing import TypeVar

from mptcpapi import closing, opening
from mptcpapi.abi import TcpState
from mptcpapi.control import DEFAULT_TIMEOUT
from mptcpapi.endpoint import Endpoint, parse
from mptcpapi.errors import InvalidArgument, Unsupported, UsageError, is_integer
from mptcpapi.info import Descriptor, Subflow, fileno
from mptcpapi.subflow import (
    SubflowDetails,
    no_such_subflow,
    read_tcp_info,
    subflow_details,
    subflows,
)
from mptcpapi.subflow_options import get_subflow_option, set_subflow_option

_GREATEST_ID = 255

_S = TypeVar("_S", bound=Subflow)

_TCP_INFO_ROOM = 1024
"""Bytes; the struct had 280 in Linux 6.18, and a kernel fills no more than its own has."""


@dataclass(frozen=True, slots=True)
class SubStatus:
    """``struct mptcp_sub_status``; ``None`` where the kernel does not tell (see `Subflow`)."""

    id: int
    slave_sk: bool
    """Whether it was opened with MP_JOIN: every subflow but the initial one."""
    fully_established: bool | None
    """Whether the peer acknowledged its third ACK."""
    attached: bool
    """Whether it belongs to the connection: its SYN was sent, and it is not closed."""
    low_prio: bool | None
    """Whether this host or the peer asked for it to be backup."""
    pre_established: bool | None
    """Whether it waits for that acknowledgement, and for nothing else."""


@dataclass(frozen=True, slots=True)
class Flow:
    """``struct mptcp_sub_tuple``: the endpoints of a subflow, existing or wanted."""

    local: Endpoint
    remote: Endpoint
    low_prio: bool | None = False
    """Whether it is, or is to be, backup; ``None`` where the kernel does not tell."""
    id: int | None = None
    """``None`` for a subflow that is wanted."""


def make_flow(
    source_host: str, source_port: int, dest_host: str, dest_port: int, *, low_prio: bool = False
) -> Flow:
    """The tuple for `open_sub`. Hosts are addresses or names; no subflow is opened yet.

    A wildcard source address and port 0 leave the choice to the kernel; port 0 at the destination
    is the port of the connection's peer.

    :raises InvalidArgument: a name that does not resolve, a port that cannot be, addresses of two
        families (EINVAL)
    """
    local = parse((source_host, source_port), 0, AF_UNSPEC)
    return Flow(local, parse((dest_host, dest_port), 0, local.family), low_prio)


def open_sub(sock: Descriptor, flow: Flow, *, timeout: float = DEFAULT_TIMEOUT) -> int:
    """MPTCP_OPEN_SUB_TUPLE: open a subflow and return its id.

    The draft returns once the SYN is sent. This returns when the subflow is fully established,
    within ``timeout`` seconds, or raises what `mptcpapi.open_subflow` raises: among the errnos are
    EACCES, EADDRINUSE, EADDRNOTAVAIL, ENETUNREACH of the draft, and ECONNREFUSED, ETIMEDOUT.

    :raises UsageError: the new id is above 255 (EOVERFLOW); the subflow is closed again
    """
    if not isinstance(flow, Flow):
        raise InvalidArgument(EINVAL, f"flow {flow!r}: expected what make_flow gives")
    opened = opening.open_subflow(
        sock, flow.local, flow.remote, backup=flow.low_prio or False, timeout=timeout
    )
    try:
        return _narrow(opened.id)
    except UsageError:
        closing.close_subflow(sock, opened, timeout=timeout)
        raise


def close_sub(
    sock: Descriptor, id: int, how: int = SHUT_RDWR, *, timeout: float = DEFAULT_TIMEOUT
) -> None:
    """MPTCP_CLOSE_SUB_ID: close a subflow in both directions, as `mptcpapi.close_subflow` does.

    ``how``: SHUT_RD, SHUT_WR or SHUT_RDWR, as in ``shutdown``. All three do the same, since Linux
    has no subflow that is closed in one direction only: the subflow ends with FIN. An unknown id is
    told before a bad ``how``, for the id says which subflow is meant.

    :raises NoSuchSubflow: the connection has no subflow ``id`` (EINVAL)
    :raises InvalidArgument: another ``how`` (EINVAL)
    """
    closing.close_subflow(sock, _find(subflows(sock), id), how, timeout=timeout)


def get_sub_ids(sock: Descriptor) -> tuple[SubStatus, ...]:
    """MPTCP_GET_SUB_IDS: the connection's subflows, by ascending id.

    :raises UsageError: one has an id above 255 (EOVERFLOW)
    """
    return tuple(map(status_of, subflow_details(sock)))


def get_sub_tuple(sock: Descriptor, id: int) -> Flow:
    """MPTCP_GET_SUB_TUPLE: the endpoints and the priority of a subflow.

    :raises NoSuchSubflow: the connection has no subflow ``id`` (EINVAL)
    """
    found = _find(subflow_details(sock), id)
    return Flow(found.local, found.remote, status_of(found).low_prio, found.id)


def get_sub_info(sock: Descriptor, id: int) -> bytes:
    """MPTCP_GET_SUB_INFO: ``struct tcp_info`` of a subflow, as long as this kernel's is.

    Source: MPTCP_FULL_INFO.

    :raises NoSuchSubflow: the connection has no subflow ``id`` (EINVAL)
    """
    return read_tcp_info(fileno(sock), _find(subflows(sock), id), _TCP_INFO_ROOM)


def get_sub_sockopt(
    sock: Descriptor, id: int, level: int, option: int, length: int | None = None
) -> int | bytes:
    """MPTCP_SUB_GETSOCKOPT: an option of one subflow, as `mptcpapi.get_subflow_option` gets it.

    An int, or at most ``length`` bytes if that is given; TCP_INFO is all of its struct.

    :raises NoSuchSubflow: the connection has no subflow ``id`` (EINVAL)
    :raises Unsupported: one subflow has no such option (ENOPROTOOPT)
    :raises NoPrivilege: a capability is missing, which the text names
    """
    _find(subflows(sock), id)
    if (level, option) == (IPPROTO_TCP, TCP_INFO) and length is None:
        return get_sub_info(sock, id)
    with _unknown_at_the_level():
        if length is None:
            return get_subflow_option(sock, id, level, option)
        return get_subflow_option(sock, id, level, option, length)


def set_sub_sockopt(sock: Descriptor, id: int, level: int, option: int, value: int | bytes) -> None:
    """MPTCP_SUB_SETSOCKOPT: as `mptcpapi.set_subflow_option` sets it.

    :raises NoSuchSubflow: the connection has no subflow ``id`` (EINVAL)
    :raises Unsupported: one subflow has no such option, or it cannot be set (ENOPROTOOPT)
    :raises NoPrivilege: a capability is missing, which the text names
    """
    _find(subflows(sock), id)
    with _unknown_at_the_level():
        set_subflow_option(sock, id, level, option, value)


@contextmanager
def _unknown_at_the_level() -> Iterator[None]:
    """The draft's errno for an option that one subflow does not have."""
    try:
        yield
    except Unsupported as lacking:
        raise Unsupported(ENOPROTOOPT, str(lacking.strerror)) from lacking


def status_of(present: SubflowDetails) -> SubStatus:
    """The draft's flags of a subflow.

    :raises UsageError: its id is above 255 (EOVERFLOW)
    """
    complete = present.fully_established
    answered = present.state is TcpState.ESTABLISHED
    return SubStatus(
        id=_narrow(present.id),
        slave_sk=present.id != 1,
        fully_established=complete,
        attached=present.state is not TcpState.CLOSE,
        low_prio=None if present.backup is None else present.backup or present.remote_backup,
        pre_established=None if complete is None else answered and not complete,
    )


def _find(present: tuple[_S, ...], id: int) -> _S:
    for candidate in present:
        if is_integer(id) and candidate.id == id <= _GREATEST_ID:
            return candidate
    raise no_such_subflow(repr(id), (candidate.id for candidate in present))


def _narrow(number: int) -> int:
    """The id, if it fits the draft's 8 bits."""
    if number > _GREATEST_ID:
        text = f"subflow {number}: the draft's ids end at {_GREATEST_ID}; mptcpapi.subflows has it"
        raise UsageError(EOVERFLOW, text)
    return number
