"""The state of the fake kernel and its network, and what can happen in it."""

from __future__ import annotations

import itertools
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from errno import (
    ECONNABORTED,
    ECONNRESET,
    EINVAL,
)
from ipaddress import ip_address
from socket import socket
from typing import NamedTuple, Protocol

from mptcpapi import abi
from mptcpapi.abi import TcpState
from mptcpapi.endpoint import Endpoint, numeric_host
from mptcpapi.errors import KernelRefused
from mptcpapi.nlmsg import frame
from mptcpapi.pathmanager import LocalAddress
from mptcpapi.testing import answers
from mptcpapi.testing.below import inode_of
from mptcpapi.testing.connection import End, Leg
from mptcpapi.testing.ports import Holder, listener_at

_FIRST_TOKEN = 0x4D50_0001
_FIRST_PORT = 49152


class Audience(Protocol):
    """Who follows the events."""

    def put(self, datagram: bytes) -> None:
        """Take one."""

    def lose(self) -> None:
        """Know that some were dropped."""


class Interface(NamedTuple):
    """A network interface of this host, and its address."""

    number: int
    name: str
    host: str


class Coming(NamedTuple):
    """A connection that is not accepted yet."""

    client: Endpoint
    server: Endpoint
    end: End | None
    """``None``: it is TCP."""


@dataclass(eq=False)
class World:
    """One fake kernel, its network, and how it is told to behave; for all threads."""

    paths: list[Interface]
    peers: set[str]
    path_manager: str = "userspace"
    peer_path_manager: str = "userspace"
    disabled: int = 0
    """The errno with which sockets of MPTCP are refused; 0: they are made."""
    is_admin: bool = True
    strips_options: bool = False
    cut: set[str] = field(default_factory=set)
    """Addresses that nothing comes from or gets to."""
    refused: dict[str, int] = field(default_factory=dict)
    """By the address of either side: the errno with which the peer refuses a subflow."""
    limits: tuple[int, int] = (2, 0)
    """Subflows and announced addresses that the kernel's path manager accepts."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    holders: dict[int, Holder] = field(default_factory=dict)
    """By the inode of the socket."""
    connections: dict[int, End] = field(default_factory=dict)
    """By token."""
    coming: dict[Endpoint, Coming] = field(default_factory=dict)
    """By the real address of the client."""
    audience: list[Audience] = field(default_factory=list)
    """Who follows the events."""
    _tokens: Iterator[int] = field(default_factory=lambda: itertools.count(_FIRST_TOKEN))
    _ports: Iterator[int] = field(default_factory=lambda: itertools.count(_FIRST_PORT))
    _cookies: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Change something, while nothing else does."""
        with self.lock:
            yield
            self.steer_carriers()

    def close(self) -> None:
        """Give back what it holds; let data through everywhere."""
        with self.lock:
            for end in self.connections.values():
                if end.is_stalled:
                    end.below.let_through(yes=True)
                for leg in end.open_legs():
                    self.close_leg(leg)

    def by_cookie(self, cookie: int) -> Leg | None:
        """The open subflow with this cookie."""
        legs = (leg for end in self.connections.values() for leg in end.open_legs())
        return next((leg for leg in legs if leg.cookie == cookie), None)

    # --- addresses

    def is_own(self, host: str) -> bool:
        """Whether it is an address of this host."""
        return ip_address(host).is_loopback or any(path.host == host for path in self.paths)

    def is_known(self, host: str) -> bool:
        """Whether somebody has this address."""
        return self.is_own(host) or host in self.peers

    # --- sockets

    def listener(self, target: Endpoint) -> Holder | None:
        """Who listens there."""
        self.reap()
        return listener_at(target, self.holders.values())

    def holder(self, fd: int) -> Holder | None:
        """What is known of a socket; ``None`` of one that was not made here."""
        with self.lock:
            inode = inode_of(fd)
            if inode is None:
                return None
            found = self.holders.get(inode) or self._adopt(fd)
            if found:
                found.below.has(fd)
            return found

    def hold(self, holder: Holder, fd: int) -> None:
        """Know of a new socket."""
        holder.below.has(fd)
        self.holders[holder.below.inode] = holder

    def _adopt(self, fd: int) -> Holder | None:
        """What is known of a connection that was just accepted, be it by a socket of ``ssl``."""
        if not self.coming or not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return None
        with suppress(OSError), socket(fileno=os.dup(fd)) as twin:
            coming = self.coming.pop(endpoint_of(twin.getpeername()), None)
            if coming is not None:
                held = Holder(twin.family, coming.end is not None, coming.server, coming.client)
                self.hold(held, fd)
                self.carry(held, coming.end)
                return held
        return None

    def carry(self, holder: Holder, end: End | None) -> None:
        """Let the socket carry the data of this end."""
        holder.end = end
        if end is not None:
            end.below = holder.below

    def reap(self) -> None:
        """Notice which sockets this process has no descriptor of any more, as the kernel would."""
        with self.lock:
            for inode, holder in list(self.holders.items()):
                if holder.below.find() is None:
                    del self.holders[inode]
                    self._let_go(holder)

    def fallen_back(self) -> Iterator[Holder]:
        """The sockets of MPTCP whose connection is TCP; they have a token all the same."""
        for holder in self.holders.values():
            if holder.is_mptcp and holder.is_tcp and holder.remote is not None:
                holder.token = holder.token or next(self._tokens)
                yield holder

    def _let_go(self, holder: Holder) -> None:
        if holder.is_listening and holder.is_mptcp and holder.local is not None:
            kind = abi.MPTCP_EVENT_LISTENER_CLOSED
            self.multicast(answers.listener(kind, holder.local))
        if holder.end is not None and not holder.is_tcp:
            self.end(holder.end, abortive=holder.is_aborted)

    def token_of(self, token: int) -> End:
        """The connection that a command means.

        :raises KernelRefused: there is none, or the kernel's path manager has it
        """
        end = self.connections.get(token)
        if end is None:
            raise KernelRefused(EINVAL, "invalid token")
        if not end.is_userspace or end.is_gone:
            raise KernelRefused(EINVAL, "userspace PM not selected")
        return end

    # --- connections

    def establish(self, family: int, local: Endpoint, remote: Endpoint, server_family: int) -> End:
        """Both ends of a new connection; that of the client."""
        client = self._new_end(family, local, remote, is_server=False)
        server = self._new_end(server_family, remote, local, is_server=True)
        client.peer, server.peer = server, client
        pair = [self.add_leg(end, end.local, end.remote, 0, 0) for end in (client, server)]
        pair[0].twin, pair[1].twin = pair[1], pair[0]
        server.is_settled = True
        self.tell(abi.MPTCP_EVENT_CREATED, pair[0], server_side=0)
        self.tell(abi.MPTCP_EVENT_CREATED, pair[1], server_side=1)
        self.tell(abi.MPTCP_EVENT_ESTABLISHED, pair[1], server_side=1)
        return client

    def _new_end(self, family: int, local: Endpoint, remote: Endpoint, *, is_server: bool) -> End:
        manager = self.peer_path_manager if is_server else self.path_manager
        end = End(next(self._tokens), family, manager == "userspace", is_server, local, remote)
        self.connections[end.token] = end
        return end

    def forget(self, end: End) -> None:
        """A connection that came to nothing, or fell back to TCP."""
        for each in (end, end.peer):
            if each is not None:
                self.connections.pop(each.token, None)
                each.legs.clear()

    def settle(self) -> None:
        """Notice which connections have carried data, and so are fully established."""
        self.reap()
        for end in list(self.connections.values()):
            if not end.is_settled and end.below.inode and end.state is TcpState.ESTABLISHED:
                carried = end.below.figures()
                if carried["bytes_acked"] > 1 or carried["bytes_received"]:
                    end.is_settled = True
                    self.tell(abi.MPTCP_EVENT_ESTABLISHED, end.legs[0], server_side=0)

    def end(self, end: End, *, abortive: bool) -> None:
        """This end's socket was closed."""
        if not end.is_aborted:
            self.multicast(answers.closed(end))
        if abortive and end.peer is not None and not self.is_stalled(end):
            end.peer.is_aborted = True
            self.connections.pop(end.peer.token, None)
        for leg in end.legs:
            self.close_leg(leg)
        self.connections.pop(end.token, None)

    # --- subflows

    def add_leg(
        self, end: End, local: Endpoint, remote: Endpoint, local_id: int, remote_id: int
    ) -> Leg:
        """A new subflow at this end."""
        cookie = next(self._cookies)
        leg = Leg(end, end.next_id(), local, remote, local_id, remote_id, cookie)
        end.legs.append(leg)
        return leg

    def destroy(self, leg: Leg) -> None:
        """SUBFLOW_DESTROY: FIN."""
        if not leg.is_open:
            return
        for entry in leg.end.addresses:
            if entry.host == leg.local.host:  # whatever its port: mptcp_net-next#403
                leg.end.addresses.remove(entry)
                break
        if leg.state is TcpState.SYN_SENT:
            leg.remote = Endpoint(leg.remote.host, 0)
            self.close_leg(leg)
            self.tell(abi.MPTCP_EVENT_SUB_CLOSED, leg, backup=0, error=ECONNRESET)
        else:
            self._end_both(leg, {}, {})

    def abort(self, leg: Leg) -> None:
        """SOCK_DESTROY: RST."""
        here = {"error": ECONNABORTED}
        self._end_both(leg, here, {"error": ECONNRESET, "reset_reason": 0})

    def _end_both(self, leg: Leg, here: Mapping[str, int], there: Mapping[str, int]) -> None:
        for each, why in ((leg, here), (leg.twin, there)):
            if each is not None and each.is_open and not (each is leg.twin and self.is_cut(leg)):
                state = each.end.state
                interface = {"if_idx": each.interface} if each.interface else {}
                self.close_leg(each)
                if state is TcpState.ESTABLISHED:
                    backup = int(each.remote_backup)
                    fields = {"backup": backup, **interface, **why}
                    self.tell(abi.MPTCP_EVENT_SUB_CLOSED, each, **fields)
                elif state is TcpState.CLOSE_WAIT and not each.end.open_legs():
                    each.end.is_ended = True

    def close_leg(self, leg: Leg) -> None:
        """Close a subflow at one end, and tell nobody."""
        leg.state = TcpState.CLOSE
        if leg.options is not None:
            leg.options.close()
            leg.options = None
        if leg.id != 1:  # the initial subflow remains listed
            leg.end.legs = [other for other in leg.end.legs if other is not leg]

    def prioritise(self, leg: Leg, backup: bool) -> None:
        """SET_FLAGS: MP_PRIO."""
        leg.backup = backup
        if leg.twin is not None and not self.is_cut(leg):
            leg.twin.remote_backup = backup
            self.tell(abi.MPTCP_EVENT_SUB_PRIORITY, leg.twin, backup=int(backup))

    def announce(self, end: End, address: Endpoint, number: int) -> None:
        """ANNOUNCE: ADD_ADDR.

        :raises KernelRefused: the id, or the address with another one, is taken
        """
        entry = LocalAddress(address.host, address.port, number)
        for other in end.addresses:
            if (other[:2] == entry[:2]) != (other.id == entry.id):
                raise KernelRefused(EINVAL, "did not match address and id")
        if entry not in end.addresses:
            end.addresses.append(entry)
            end.announced += 1
        if end.peer is not None:
            told = Endpoint(address.host, address.port or end.local.port)
            self.multicast(answers.announced(end.peer, told, number))

    def withdraw(self, end: End, number: int) -> None:
        """REMOVE: REMOVE_ADDR.

        :raises KernelRefused: there is no such address
        """
        legs = [leg for leg in end.open_legs() if leg.local_id == number]
        if not legs and all(entry.id != number for entry in end.addresses):
            raise KernelRefused(EINVAL, "address with specified id not found")
        end.addresses = [entry for entry in end.addresses if entry.id != number]
        if end.peer is not None:
            self.multicast(answers.removed(end.peer, number))
        for leg in legs:
            self.destroy(leg)

    def is_cut(self, leg: Leg) -> bool:
        """Whether nothing gets through on it."""
        return not self.cut.isdisjoint({leg.local.host, leg.remote.host})

    def is_stalled(self, end: End) -> bool:
        """Whether no subflow gets anything from or to the peer."""
        return not any(leg.twin and not self.is_cut(leg) for leg in end.open_legs())

    def steer_carriers(self) -> None:
        """Let the sockets below carry data, or not, as the subflows can."""
        for end in self.connections.values():
            is_stalled = self.is_stalled(end)
            if is_stalled != end.is_stalled and end.below.inode:
                end.is_stalled = is_stalled
                end.below.let_through(not is_stalled)

    def tell(self, kind: int, leg: Leg, **fields: int) -> None:
        """Send an event about a subflow."""
        if leg.interface:
            fields.setdefault("if_idx", leg.interface)
        self.multicast(answers.event(kind, leg, **fields))

    def multicast(self, body: bytes) -> None:
        """Send an event to all who follow them."""
        for follower in self.audience:
            follower.put(frame(answers.FAMILY, 0, 0, body))


def endpoint_of(address: tuple[object, ...]) -> Endpoint:
    """The endpoint in a socket's address, which has to be numeric."""
    return Endpoint(numeric_host(str(address[0])), int(str(address[1])))
