"""What sock_diag tells of one subflow: address ids, backup bits, how far its handshake came.

It can also end one.
"""

from __future__ import annotations

from dataclasses import dataclass
from errno import EBADMSG, ENOENT
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, IPPROTO_TCP
from typing import NamedTuple

from mptcpapi import abi
from mptcpapi.abi import SubflowFlag, TcpState
from mptcpapi.endpoint import IPV4_SIZE, Endpoint, decode_host
from mptcpapi.errors import BadAnswer, KernelRefused, NoPrivilege
from mptcpapi.netlink import Closing, Netlink
from mptcpapi.nlmsg import Message, attributes, integer

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


class InetDiag(NamedTuple):
    """What sock_diag says of any socket."""

    local: Endpoint
    remote: Endpoint
    state: TcpState
    interface: int
    """Index of the one that it is bound to; 0: none."""
    cookie: int
    """The kernel's name for it, never used again."""
    uid: int
    """The user whose it is."""
    inode: int
    """0 once the application has closed it."""
    attributes: dict[int, bytes]
    """INET_DIAG_* and what they hold."""


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
            for found in self._answers(request, flags):
                if (found.local, found.remote) == (local, remote):
                    return found
        return None

    def subflows_to(self, remote: Endpoint) -> list[SubflowDiag]:
        """The connection's subflows to this endpoint."""
        any_local = Endpoint("0.0.0.0" if remote.family == AF_INET else "::", 0)  # noqa: S104
        request = diag_request(any_local, remote)
        return [each for each in self._answers(request, abi.NLM_F_DUMP) if each.remote == remote]

    def destroy(self, subflow: SubflowDiag) -> None:
        """SOCK_DESTROY: end it with RST; ENOENT: it is gone, EOPNOTSUPP: this kernel cannot."""
        request = diag_request(subflow.local, subflow.remote, subflow.interface, subflow.cookie)
        self._netlink.request(abi.SOCK_DESTROY, request)

    def _answers(self, request: bytes, flags: int) -> list[SubflowDiag]:
        """Those of the connection."""
        try:
            answers = self._netlink.request(abi.SOCK_DIAG_BY_FAMILY, request, flags=flags)
        except KernelRefused as refused:
            if refused.errno == ENOENT:
                return []
            raise
        return [found for found in map(decode_diag, answers) if found.inode == self._inode]


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
    found = decode_inet_diag(message)
    ulp = dict(attributes(found.attributes.get(abi.INET_DIAG_ULP_INFO, b"")))
    subflow = dict(attributes(ulp.get(abi.INET_ULP_INFO_MPTCP, b"")))
    flags = _integer(subflow, abi.MPTCP_SUBFLOW_ATTR_FLAGS, 4)
    return SubflowDiag(
        found.local,
        found.remote,
        found.inode,
        found.cookie,
        found.interface,
        flags=None if flags is None else SubflowFlag(flags),
        local_id=_integer(subflow, abi.MPTCP_SUBFLOW_ATTR_ID_LOC, 1),
        remote_id=_integer(subflow, abi.MPTCP_SUBFLOW_ATTR_ID_REM, 1),
    )


def decode_inet_diag(message: Message) -> InetDiag:
    """``struct inet_diag_msg`` of a socket of any protocol."""
    body = message.body
    if len(body) < abi.INET_DIAG_MSG.size:
        raise BadAnswer(EBADMSG, f"an answer of sock_diag of {len(body)} bytes is too short")
    family, state, sport, dport, source, there, index, cookie, uid, inode = (
        abi.INET_DIAG_MSG.unpack_from(body)
    )
    try:
        known = TcpState(state)
    except ValueError as unknown:
        raise BadAnswer(EBADMSG, f"sock_diag: a socket in state {state}: unknown") from unknown
    local, remote = _endpoint(family, source, sport), _endpoint(family, there, dport)
    behind = dict(attributes(body[abi.INET_DIAG_MSG.size :]))
    return InetDiag(local, remote, known, index, cookie, uid, inode, behind)


def _endpoint(family: int, packed: bytes, port: bytes) -> Endpoint:
    if family not in {AF_INET, AF_INET6}:
        raise BadAnswer(EBADMSG, f"sock_diag: an address of family {family}")
    host = decode_host(packed[:IPV4_SIZE] if family == AF_INET else packed)
    return Endpoint(host, int.from_bytes(port, "big"))


def _integer(fields: dict[int, bytes], kind: int, size: int) -> int | None:
    payload = fields.get(kind)
    return None if payload is None else integer(payload, size)
