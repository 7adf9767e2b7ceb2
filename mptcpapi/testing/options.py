"""Options of one subflow, kept where the kernel's walk over its sockets would find them."""

from __future__ import annotations

import socket
from errno import EPERM

from mptcpapi.errors import NoPrivilege
from mptcpapi.subflow_options.program import Answer, decode_order
from mptcpapi.subflow_options.refusal import Privilege, missing
from mptcpapi.subflow_options.walk import Walk
from mptcpapi.testing.connection import Leg
from mptcpapi.testing.world import World


class FakeWalk(Walk):
    """Each subflow has a TCP socket, never connected, that keeps its options.

    So the real kernel says which values there can be. It takes the privilege of a socket's own
    option: SO_MARK, say, takes CAP_NET_ADMIN.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def close(self) -> None:
        """The world closes the sockets."""

    def carry_out(self, fd: int, order: bytes) -> Answer:
        """Get or set one option of the subflow with the cookie in the order."""
        if not self._world.is_admin:
            raise NoPrivilege(EPERM, missing(Privilege(0, initial=True)))
        cookie, level, name, value, change = decode_order(order)
        with self._world.lock:
            leg = self._world.by_cookie(cookie)
            if leg is None:
                return Answer(found=False, result=0, value=value)
            kept = _kept(leg)
            try:
                if change:
                    kept.setsockopt(level, name, value)
                else:
                    value = kept.getsockopt(level, name, len(value)).ljust(len(value), b"\0")
            except OSError as refused:
                return Answer(found=True, result=-(refused.errno or 0), value=value)
            return Answer(found=True, result=0, value=value)


def _kept(leg: Leg) -> socket.socket:
    if leg.options is None:
        leg.options = socket.socket(leg.local.family, socket.SOCK_STREAM)
    return leg.options
