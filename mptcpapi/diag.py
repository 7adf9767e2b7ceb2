"""What sock_diag tells of one subflow: address ids, backup bits, how far its handshake came."""

from __future__ import annotations

import os
from dataclasses import dataclass
from errno import EBADMSG, ENOENT
from ipaddress import ip_address
from socket import IPPROTO_TCP
from types import TracebackType
from typing import Any, Self

from mptcpapi import abi
from mptcpapi.abi import SubflowFlag
from mptcpapi.endpoint import Endpoint, numeric_host
from mptcpapi.errors import BadAnswer, KernelRefused, NoPrivilege
from mptcpapi.netlink import Netlink
from mptcpapi.nlmsg import Message

_INET_DIAG_MSG_SIZE = 72
_ALL_STATES = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class SubflowDiag:
    """One TCP socket of the kernel; ``None`` where it does not tell (CAP_NET_ADMIN, Linux 6.15)."""

    local: Endpoint
    remote: Endpoint
    inode: int
    """That of the MPTCP socket: all subflows of a connection share it."""
    flags: SubflowFlag | None = None
    local_id: int | None = None
    """Address id"""
    remote_id: int | None = None
    """Address id, given by the peer"""


class Diag:
    """Looks up the subflows of the socket ``fd``; a context manager, for one thread at a time."""

    def __init__(self, fd: int) -> None:
        self._inode = os.fstat(fd).st_ino
        try:
            self._netlink = Netlink(abi.NETLINK_SOCK_DIAG, beside=fd)
        except NoPrivilege:  # then only a socket of the thread's own namespace can be looked up
            self._netlink = Netlink(abi.NETLINK_SOCK_DIAG)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._netlink.close()

    def find(self, local: Endpoint, remote: Endpoint) -> SubflowDiag | None:
        """The subflow between these endpoints; ``None`` if there is none (any more).

        The kernel's exact lookup misses a socket that is bound to an interface, as it wants the
        interface too. So the fallback is to walk all sockets with these ports.
        """
        request = _request(local, remote)
        for flags in (0, abi.NLM_F_DUMP):
            found = self._matching(request, flags, local, remote)
            if found is not None:
                return found
        return None

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


def _request(local: Endpoint, remote: Endpoint) -> bytes:
    """``struct inet_diag_req_v2``; without INET_DIAG_INFO the kernel leaves the MPTCP part out."""
    from mptcpapi import tables  # noqa: PLC0415 - see there

    request = tables.inet_diag_req()
    request["sdiag_family"] = local.family
    request["sdiag_protocol"] = IPPROTO_TCP
    request["idiag_ext"] = 1 << (abi.INET_DIAG_INFO - 1)
    request["idiag_states"] = _ALL_STATES
    request["idiag_sport"], request["idiag_dport"] = local.port, remote.port
    request["idiag_src"], request["idiag_dst"] = _words(local), _words(remote)
    request["idiag_cookie"] = abi.INET_DIAG_NOCOOKIE
    return tables.encode(request)


def _words(endpoint: Endpoint) -> tuple[int, ...]:
    """The address as the four big-endian words of ``struct inet_diag_sockid``."""
    packed = ip_address(endpoint.host).packed.ljust(16, b"\0")
    return tuple(int.from_bytes(packed[n : n + 4], "big") for n in range(0, 16, 4))


def decode_diag(message: Message) -> SubflowDiag:
    """``struct inet_diag_msg`` with INET_ULP_INFO_MPTCP, if the kernel gives it."""
    from mptcpapi import tables  # noqa: PLC0415

    fields = tables.decode(tables.subflow_diag_msg, message.raw, _INET_DIAG_MSG_SIZE)
    local, remote = _endpoint(fields, "src", "sport"), _endpoint(fields, "dst", "dport")
    ulp = tables.nested(fields, "INET_DIAG_ULP_INFO", "INET_ULP_INFO_MPTCP")
    if ulp is None:
        return SubflowDiag(local, remote, fields["idiag_inode"])
    flags = tables.integer(ulp, "MPTCP_SUBFLOW_ATTR_FLAGS")
    return SubflowDiag(
        local,
        remote,
        fields["idiag_inode"],
        flags=None if flags is None else SubflowFlag(flags),
        local_id=tables.integer(ulp, "MPTCP_SUBFLOW_ATTR_ID_LOC"),
        remote_id=tables.integer(ulp, "MPTCP_SUBFLOW_ATTR_ID_REM"),
    )


def _endpoint(fields: Any, host: str, port: str) -> Endpoint:
    try:
        return Endpoint(numeric_host(fields[f"idiag_{host}"]), fields[f"idiag_{port}"])
    except ValueError as broken:  # pyroute2 leaves the address of another family undecoded
        family = fields["idiag_family"]
        raise BadAnswer(EBADMSG, f"sock_diag: an address of family {family}") from broken
