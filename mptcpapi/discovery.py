"""The MPTCP connections of this network namespace, whichever process has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from errno import EINVAL, ENOENT, EOPNOTSUPP
from typing import Literal

from mptcpapi import abi
from mptcpapi.abi import TcpState
from mptcpapi.diag import decode_inet_diag, diag_request
from mptcpapi.endpoint import Endpoint
from mptcpapi.errors import (
    FallenBack,
    KernelRefused,
    MptcpError,
    NoSuchConnection,
    Unsupported,
)
from mptcpapi.lookup import MPTCP_ATTRIBUTE
from mptcpapi.mptcpinfo import MptcpInfo, decode_mptcp_info
from mptcpapi.netlink import Netlink
from mptcpapi.nlmsg import Message
from mptcpapi.pathmanager import PathManager
from mptcpapi.processes import Owner, owners

_ANYWHERE = (Endpoint("0.0.0.0", 0), Endpoint("::", 0))  # noqa: S104 - asked for, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection as it was when the kernel was asked."""

    token: int
    """Local token, 32 bits: its name in netlink, in events, in ``ip mptcp monitor`` and ``ss``."""
    local: Endpoint
    """Of the initial subflow, as ``remote``."""
    remote: Endpoint
    state: TcpState
    """Of the whole connection."""
    fallback: bool
    """Whether it has fallen back to TCP."""
    info: MptcpInfo
    """Its figures."""
    inode: int
    """Of its socket; 0 once the application has closed it."""
    uid: int
    """The user whose it is."""
    owners: tuple[Owner, ...] = ()
    """The processes that have it, as far as this one may see them."""
    path_manager: Literal["kernel", "userspace"] | None = None
    """Which one it has; ``None``: the kernel does not tell, without CAP_NET_ADMIN."""

    @property
    def subflows(self) -> int:
        """How many subflows it has, the initial one included."""
        total = self.info.subflows_total
        return self.info.subflows + 1 if total is None else total


def connections() -> tuple[Connection, ...]:
    """All MPTCP connections in the network namespace of the calling thread, by their tokens.

    No privilege is needed; owners and path manager are told to those who may know them. Source:
    sock_diag for IPPROTO_MPTCP (CONFIG_INET_MPTCP_DIAG, Linux 5.9), ``/proc/PID/fd``.

    :raises Unsupported: a kernel whose sock_diag does not know MPTCP
    """
    found = sorted(_dump(), key=lambda connection: connection.token)
    known = owners({connection.inode for connection in found})
    return tuple(
        replace(each, owners=known.get(each.inode, ()), path_manager=_path_manager(each))
        for each in found
    )


def find(token: int) -> Connection:
    """The connection with this token, without its owners.

    :raises NoSuchConnection: none has it
    :raises FallenBack: it is TCP
    """
    for connection in _dump():
        if connection.token == token:
            if connection.fallback:
                text = f"the connection {token:08x} has fallen back to TCP: it has no subflows"
                raise FallenBack(EOPNOTSUPP, text)
            return connection
    text = f"no MPTCP connection of this network namespace has the token {token:08x}"
    raise NoSuchConnection(ENOENT, text)


def _path_manager(connection: Connection) -> Literal["kernel", "userspace"] | None:
    if connection.fallback:
        return None
    try:
        with PathManager(None, connection.token) as manager:
            return "userspace" if manager.is_userspace() else "kernel"
    except MptcpError:
        return None


def _dump() -> Iterator[Connection]:
    with Netlink(abi.NETLINK_SOCK_DIAG) as netlink:
        for anywhere in _ANYWHERE:
            request = diag_request(anywhere, anywhere) + MPTCP_ATTRIBUTE
            try:
                answers = netlink.request(abi.SOCK_DIAG_BY_FAMILY, request, flags=abi.NLM_F_DUMP)
            except KernelRefused as refused:
                if refused.errno not in {ENOENT, EINVAL}:
                    raise
                text = "this kernel does not list MPTCP connections: CONFIG_INET_MPTCP_DIAG"
                raise Unsupported(EOPNOTSUPP, text) from refused
            for connection in map(decode_connection, answers):
                if connection.token and connection.state is not TcpState.LISTEN:
                    yield connection


def decode_connection(message: Message) -> Connection:
    """``struct inet_diag_msg`` of an MPTCP socket, with its ``struct mptcp_info``."""
    found = decode_inet_diag(message)
    figures = found.attributes.get(abi.INET_DIAG_INFO, b"")
    info = decode_mptcp_info(figures)
    flags = abi.MPTCP_INFO_HEAD.unpack_from(figures)[-2]
    return Connection(
        token=info.token,
        local=found.local,
        remote=found.remote,
        state=found.state,
        fallback=bool(flags & abi.MPTCP_INFO_FLAG_FALLBACK),
        info=info,
        inode=found.inode,
        uid=found.uid,
    )
