"""Which MPTCP connections there are still: sock_diag, asked by token.

It needs neither a descriptor of the connection nor a privilege, and no matter which path manager
the connection has.
"""

from __future__ import annotations

from collections.abc import Iterable
from errno import EBADMSG, ENOENT
from sys import byteorder

from mptcpapi import abi
from mptcpapi.abi import TcpState
from mptcpapi.diag import decode_inet_diag, diag_request
from mptcpapi.endpoint import Endpoint
from mptcpapi.errors import BadAnswer, EventsLost, KernelRefused
from mptcpapi.netlink import Closing, Netlink
from mptcpapi.nlmsg import Message, attribute

MPTCP_ATTRIBUTE = attribute(abi.INET_DIAG_REQ_PROTOCOL, abi.IPPROTO_MPTCP.to_bytes(4, byteorder))
"""Of a request about MPTCP sockets: ``struct inet_diag_req_v2`` has no room for their protocol."""
_ANYWHERE = Endpoint("0.0.0.0", 0)  # noqa: S104 - asked for, not bound
_NOWHERE = Endpoint("0.0.0.0", 1)  # noqa: S104 - a port that no connection has at both ends


class Lookup(Closing):
    """Looks up connections of the calling thread's network namespace, whichever it is in later.

    A context manager, for one thread at a time. Source: sock_diag for IPPROTO_MPTCP
    (CONFIG_INET_MPTCP_DIAG, Linux 5.9).
    """

    def __init__(self) -> None:
        self._netlink = Netlink(abi.NETLINK_SOCK_DIAG)
        self._has_listed = False

    def close(self) -> None:
        """Close its netlink socket; a second time is harmless."""
        self._netlink.close()

    def ended(self, tokens: Iterable[int]) -> dict[int, bool]:
        """Those of ``tokens`` whose connections have ended, and whether nothing is left of them.

        Something is left where an application has the socket still, and the kernel can say more of
        it. A connection of which the kernel does not answer has not ended.
        """
        found = {}
        for token in tokens:
            try:
                state = self._state(token)
            except (KernelRefused, EventsLost, BadAnswer):  # no memory, for instance
                continue
            if state in {None, TcpState.CLOSE}:
                found[token] = state is None
        return found

    def _state(self, token: int) -> TcpState | None:
        """``None``: no connection has this token."""
        cookie = token.to_bytes(4, byteorder) + bytes(4)  # two numbers of 32 bits
        request = diag_request(_ANYWHERE, _ANYWHERE, 0, int.from_bytes(cookie, byteorder))
        try:
            answers = self._ask(request)
        except KernelRefused as refused:
            if refused.errno != ENOENT:
                raise
            self._check_that_it_lists()
            return None
        if len(answers) != 1:  # another process reads them, if the stream was there before a fork
            raise BadAnswer(EBADMSG, f"{len(answers)} answers about the connection {token:08x}")
        return decode_inet_diag(answers[0]).state

    def _check_that_it_lists(self) -> None:
        """A kernel without MPTCP in sock_diag says ENOENT of every token, and of any list, too."""
        if not self._has_listed:
            self._ask(diag_request(_NOWHERE, _NOWHERE), abi.NLM_F_DUMP)
            self._has_listed = True

    def _ask(self, request: bytes, flags: int = 0) -> list[Message]:
        body = request + MPTCP_ATTRIBUTE
        return self._netlink.request(abi.SOCK_DIAG_BY_FAMILY, body, flags=flags)
