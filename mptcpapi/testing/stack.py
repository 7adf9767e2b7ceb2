"""A fake MPTCP stack for the unit tests of applications."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from errno import ECONNREFUSED, EINVAL, ENOPROTOOPT
from typing import Literal, Self

from mptcpapi import syscalls
from mptcpapi.connection import REASONS
from mptcpapi.control import check_backup
from mptcpapi.errors import InvalidArgument
from mptcpapi.info import Descriptor, Subflow, fileno, mptcp_in_use
from mptcpapi.netlink import mptcp_pm_family
from mptcpapi.subflow import no_such_subflow
from mptcpapi.subflow_options import walk
from mptcpapi.testing import asked
from mptcpapi.testing.calls import FakeCalls
from mptcpapi.testing.connection import End, Leg
from mptcpapi.testing.options import FakeWalk
from mptcpapi.testing.sockets import socket_class
from mptcpapi.testing.world import World

PathManager = Literal["kernel", "userspace"]

DEFAULT_PATHS = {"wifi": "10.0.1.1", "lte": "10.0.2.1"}
DEFAULT_PEERS = ("10.0.9.2",)

_only_one = threading.Lock()


class FakeStack:
    """While it is entered, every `mptcpapi` call of this process goes to a fake kernel.

    ``paths``: the network interfaces of this host, by name, with the address of each. ``peers``:
    addresses of other hosts, at which servers can be made. The loopback addresses are there, too.
    ``path_manager``: that of sockets made here; ``peer_path_manager``: that of accepted ones.

    Data flows over TCP on the loopback interface and nothing leaves it. There can be one such stack
    at a time; sockets that are still open when it is left go on as plain TCP.

    :raises InvalidArgument: an address that is none, or used twice; no such path manager
    """

    def __init__(
        self,
        paths: Mapping[str, str] | None = None,
        peers: Iterable[str] = DEFAULT_PEERS,
        *,
        path_manager: PathManager = "userspace",
        peer_path_manager: PathManager = "userspace",
    ) -> None:
        interfaces = asked.read_paths(DEFAULT_PATHS if paths is None else paths)
        self._world = World(
            interfaces,
            asked.read_peers(peers, interfaces),
            asked.read_path_manager(path_manager),
            asked.read_path_manager(peer_path_manager),
        )
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        if not _only_one.acquire(blocking=False):
            raise InvalidArgument(EINVAL, "there is a FakeStack already: leave it first")
        with ExitStack() as undo:
            undo.callback(_only_one.release)
            undo.callback(self._world.close)
            mptcp_pm_family.cache_clear()  # the numbers of the other kernel
            undo.callback(mptcp_pm_family.cache_clear)
            undo.callback(setattr, syscalls, "current", syscalls.current)
            syscalls.current = FakeCalls(self._world)
            undo.callback(walk.process.put, walk.process.put(FakeWalk(self._world)))
            undo.enter_context(socket_class(self._world))
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    # --- paths

    def address(self, path: str) -> str:
        """The address of a path; an address is its own.

        :raises InvalidArgument: there is neither such a path nor such an address
        """
        return asked.find_host(path, self._world.paths, self._world.peers)

    def cut(self, path: str) -> None:
        """Let nothing get through on a path, or from and to an address, until it is mended.

        Nobody is told: subflows stay established. New ones time out, and data waits where no
        subflow on another path is left.
        """
        with self._world.changed():
            self._world.cut.add(self.address(path))

    def mend(self, path: str) -> None:
        """Undo `cut`. Data goes on when TCP tries again, after as long as it has tried before."""
        with self._world.changed():
            self._world.cut.discard(self.address(path))

    # --- the peer

    def refuse(self, path: str, errno: int = ECONNREFUSED) -> None:
        """Let the peer refuse subflows from or to this path or address, until it admits them.

        ``errno``: ECONNREFUSED: it answers the SYN with RST; ECONNRESET: its path manager takes no
        more, and it resets the subflow after the third ACK.

        :raises InvalidArgument: no such path, or another errno
        """
        with self._world.changed():
            self._world.refused[self.address(path)] = asked.read_errno(errno, asked.REFUSALS)

    def admit(self, path: str) -> None:
        """Undo `refuse`."""
        with self._world.changed():
            self._world.refused.pop(self.address(path), None)

    def peer_closes(self, subflow: Subflow) -> None:
        """Let the other end close a subflow of this end, with FIN.

        :raises NoSuchSubflow: there is no such subflow
        :raises InvalidArgument: it is no `Subflow`, as an id is none
        """
        with self._world.changed():
            self._world.destroy(self._other_end(subflow))

    def peer_aborts(self, subflow: Subflow) -> None:
        """Let the other end abort a subflow of this end, with RST.

        :raises NoSuchSubflow: there is no such subflow
        :raises InvalidArgument: it is no `Subflow`, as an id is none
        """
        with self._world.changed():
            self._world.abort(self._other_end(subflow))

    def peer_sets_backup(self, subflow: Subflow, backup: bool) -> None:
        """Let the other end re-prioritise a subflow of this end, with MP_PRIO.

        :raises NoSuchSubflow: there is no such subflow
        :raises InvalidArgument: it is no `Subflow`, as an id is none
        """
        check_backup(backup)
        with self._world.changed():
            self._world.prioritise(self._other_end(subflow), backup)

    def _other_end(self, subflow: Subflow) -> Leg:
        asked.check_subflow(subflow)
        meant = (subflow.id, subflow.local, subflow.remote)
        legs = [leg for end in self._world.connections.values() for leg in end.open_legs()]
        for leg in legs:
            if (leg.id, leg.local, leg.remote) == meant and leg.twin:
                return leg.twin
        raise no_such_subflow(subflow.id, (leg.id for leg in legs))

    # --- the machine

    def fallback(self, sock: Descriptor | None = None) -> None:
        """Let a connection fall back to TCP; ``None``: all that are made from now on.

        :raises InvalidArgument: it is none of MPTCP, or has more than one subflow: then it cannot
        :raises SocketClosed: it is closed
        """
        if sock is not None:
            mptcp_in_use(fileno(sock))  # raises if it is closed, or no socket
        with self._world.changed():
            if sock is None:
                self._world.strips_options = True
                return
            holder = self._world.holder(fileno(sock))
            end = holder.end if holder else None
            if end is None or len(end.open_legs()) != 1:
                text = "only an MPTCP connection with one subflow can fall back (RFC 8684, 3.7)"
                raise InvalidArgument(EINVAL, text)
            self._fall_back(end)

    def _fall_back(self, end: End) -> None:
        for holder in self._world.holders.values():
            if holder.end in {end, end.peer}:
                holder.is_tcp, holder.token = True, holder.end.token if holder.end else 0
        self._world.forget(end)

    def disable(self, errno: int = ENOPROTOOPT) -> None:
        """Make no MPTCP sockets from now on; ``errno``: that of ``socket``, see `Unavailable`.

        :raises InvalidArgument: an errno that says something else
        """
        self._world.disabled = asked.read_errno(errno, REASONS)

    def no_privilege(self) -> None:
        """Take CAP_NET_ADMIN away from this process."""
        self._world.is_admin = False

    def lose_events(self) -> None:
        """Let whoever follows events find that some were dropped."""
        with self._world.lock:
            for follower in self._world.audience:
                follower.lose()
