"""What sock_diag tells of one subflow: address ids, backup bits, how far its handshake came.

It can also end one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from errno import EBADMSG, ENOENT
from ipaddress import ip_address
from socket import IPPROTO_TCP
from typing import TYPE_CHECKING

from mptcpapi import abi
from mptcpapi.abi import SubflowFlag
from mptcpapi.endpoint import Endpoint, numeric_host
from mptcpapi.errors import BadAnswer, KernelRefused, NoPrivilege
from mptcpapi.netlink import Closing, Netlink
from mptcpapi.nlmsg import Message

if TYPE_CHECKING:
    from mptcpapi.tables import Decoded

INET_DIAG_MSG_SIZE = 72
"""Bytes in front of the attributes of an answer."""
_ALL_STATES = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class SubflowDiag:
    """One TCP socket; ``None`` where the kernel does not tell.

    Before Linux 6.15 it tells the MPTCP part only to those who have CAP_NET_ADMIN.
    """

    local: Endpoint
    remote: Endpoint
    inode: int
    """That of the MPTCP socket: all subflows of a connection share it."""
    cookie: int
    """64 bits, the subflow's own: no other socket has it until the kernel reboots."""
    interface: int
    """Index of the one that the subflow is bound to; 0: to none."""
    flags: SubflowFlag | None = None
    local_id: int | None = None
    """Address id"""
    remote_id: int | None = None
    """Address id, given by the peer"""


class Diag(Closing):
    """Looks up the subflows of one connection; a context manager, for one thread at a time.

    ``fd``: its socket. ``inode``: that socket's, which all its subflows have.
    """

    def __init__(self, fd: int, inode: int) -> None:
        self._inode = inode
        try:
            self._netlink = Netlink(abi.NETLINK_SOCK_DIAG, beside=fd)
        except NoPrivilege:  # then only a socket of the thread's own namespace can be looked up
            self._netlink = Netlink(abi.NETLINK_SOCK_DIAG)

    def close(self) -> None:
        """Close its netlink socket; a second time is harmless."""
        self._netlink.close()

    def find(self, local: Endpoint, remote: Endpoint) -> SubflowDiag | None:
        """The subflow between these endpoints; ``None`` if there is none (any more).

        The kernel's exact lookup misses a socket that is bound to an interface, as it wants the
        interface too. So the fallback is to walk all sockets with these ports.
        """
        request = diag_request(local, remote)
        for flags in (0, abi.NLM_F_DUMP):
            found = self._matching(request, flags, local, remote)
            if found is not None:
                return found
        return None

    def destroy(self, subflow: SubflowDiag) -> None:
        """SOCK_DESTROY: end it with RST; ENOENT: it is gone, EOPNOTSUPP: this kernel cannot."""
        request = diag_request(subflow.local, subflow.remote, subflow.interface, subflow.cookie)
        self._netlink.request(abi.SOCK_DESTROY, request)

    def _matching(
        self, request: bytes, flags: int, local: Endpoint, remote: Endpoint
    ) -> SubflowDiag | None:
        try:
            answers = self._netlink.request(abi.SOCK_DIAG_BY_FAMILY, request, flags=flags)
        except KernelRefused as refused:
            if refused.errno == ENOENT:
                return None
            raise
        for found in map(decode_diag, answers):
            if (found.local, found.remote, found.inode) == (local, remote, self._inode):
                return found
        return None


def diag_request(
    local: Endpoint,
    remote: Endpoint,
    interface: int = 0,
    cookie: int = abi.INET_DIAG_NOCOOKIE,
) -> bytes:
    """``struct inet_diag_req_v2``; without INET_DIAG_INFO the kernel leaves the MPTCP part out."""
    return abi.INET_DIAG_REQ_V2.pack(
        local.family,
        IPPROTO_TCP,
        1 << (abi.INET_DIAG_INFO - 1),
        _ALL_STATES,
        local.port.to_bytes(2, "big"),
        remote.port.to_bytes(2, "big"),
        ip_address(local.host).packed,
        ip_address(remote.host).packed,
        interface,
        cookie,
    )


def decode_diag(message: Message) -> SubflowDiag:
    """``struct inet_diag_msg`` with INET_ULP_INFO_MPTCP, if the kernel gives it."""
    from mptcpapi import tables  # noqa: PLC0415

    fields = tables.decode(tables.subflow_diag_msg, message, INET_DIAG_MSG_SIZE)
    local, remote = diag_endpoint(fields, "src", "sport"), diag_endpoint(fields, "dst", "dport")
    inode, cookie = fields.fixed["idiag_inode"], fields.fixed["idiag_cookie"]
    socket = SubflowDiag(local, remote, inode, cookie, fields.fixed["idiag_if"])
    ulp = fields.nested("INET_DIAG_ULP_INFO")
    subflow = ulp.nested("INET_ULP_INFO_MPTCP") if ulp else None
    if subflow is None:
        return socket
    flags = subflow.integer("MPTCP_SUBFLOW_ATTR_FLAGS")
    return replace(
        socket,
        flags=None if flags is None else SubflowFlag(flags),
        local_id=subflow.integer("MPTCP_SUBFLOW_ATTR_ID_LOC"),
        remote_id=subflow.integer("MPTCP_SUBFLOW_ATTR_ID_REM"),
    )


def diag_endpoint(fields: Decoded, host: str, port: str) -> Endpoint:
    """One end of a socket: ``src`` and ``sport`` or ``dst`` and ``dport``."""
    try:
        return Endpoint(numeric_host(fields.fixed[f"idiag_{host}"]), fields.fixed[f"idiag_{port}"])
    except (ValueError, AttributeError) as broken:  # of another family pyroute2 leaves the words
        family = fields.fixed["idiag_family"]
        raise BadAnswer(EBADMSG, f"sock_diag: an address of family {family}") from broken
