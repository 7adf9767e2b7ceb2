"""Opening a subflow: from the SYN with MP_JOIN to the fourth ACK, or to the reason why not."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from errno import ECONNABORTED, ECONNRESET, EINVAL, ENOTCONN, ETIMEDOUT
from itertools import islice
from typing import NamedTuple

from mptcpapi import abi
from mptcpapi.abi import AddressFlag, TcpState
from mptcpapi.control import DEFAULT_TIMEOUT, POLL_INTERVAL, Control, check_backup, control
from mptcpapi.deadline import Deadline
from mptcpapi.endpoint import Address, Endpoint
from mptcpapi.ends import wanted_ends
from mptcpapi.errors import (
    ConnectionEnded,
    EventsLost,
    KernelRefused,
    MptcpError,
    NoSuchSubflow,
    SubflowRefused,
    SubflowTimeout,
)
from mptcpapi.event import Event, EventKind
from mptcpapi.events import EventStream
from mptcpapi.exclusion import alone, release
from mptcpapi.info import Descriptor, Subflow, fileno, read_names
from mptcpapi.interface import interface_index
from mptcpapi.pathmanager import LocalAddress, PmAddress, address_ids
from mptcpapi.subflow import SubflowDetails, is_open

_MOST_ID_TRIES = 8
"""EINVAL has other causes than the address id, and every try costs the connection a subflow id."""

_LIVENESS_INTERVAL = 0.1
"""Seconds between two looks at the connection: that the peer aborted it is no event."""

_REASONS = {
    errno.EADDRNOTAVAIL: "the local address is not one of this host, or has no free port",
    errno.EADDRINUSE: "the local port is taken, or there is a subflow between these endpoints",
    errno.ENETUNREACH: "this host has no route to the remote address",
    errno.EHOSTUNREACH: "the remote address cannot be reached",
    errno.EACCES: "the local port wants CAP_NET_BIND_SERVICE, or a rule forbids the connection",
    errno.ECONNREFUSED: "the peer answered the SYN with RST: nothing listens there with MPTCP",
    errno.ECONNRESET: "the peer ended it after the third ACK: its path manager takes no more",
    errno.ECONNABORTED: "it was closed while it was being opened",
}


def open_subflow(
    sock: Descriptor,
    local: Address | None = None,
    remote: Address | None = None,
    *,
    backup: bool = False,
    interface: str | int | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> SubflowDetails:
    """Open a subflow and return it once the peer has acknowledged its whole handshake.

    ``local``: a host, "host:port", or a tuple of host and port; ``None``, a wildcard address and
    port 0 leave the choice to the kernel. ``remote``: the same; ``None``, a wildcard address and
    port 0 are what the connection's peer has, by its initial subflow. Both must be of one family,
    which the socket must have (an AF_INET6 socket has both). ``backup``: tell the peer with the
    first SYN that the subflow is backup. ``interface``: bind the subflow to it, by name or index;
    it then leaves by it, or not at all, and without ``local`` it has an address of it. ``timeout``
    in seconds.

    Source: SUBFLOW_CREATE, the events SUB_ESTABLISHED and SUB_CLOSED, and
    MPTCP_SUBFLOW_FLAG_FULLY_ESTABLISHED. A failed attempt leaves nothing behind.

    :raises InvalidArgument: an address that cannot be (multicast, broadcast), or of the wrong
        family; no such interface; ``backup`` is no bool
    :raises SubflowRefused: by the kernel, the path or the peer; errno and text say why
    :raises SubflowTimeout: it was not established in time
    :raises ConnectionEnded: the connection is closing, or ended meanwhile
    :raises NoPrivilege, PathManagerNotUserspace, FallenBack, SocketClosed: see `mptcpapi.errors`
    """
    return open_before(Deadline(timeout), sock, local, remote, backup=backup, interface=interface)


def open_before(
    deadline: Deadline,
    sock: Descriptor,
    local: Address | None,
    remote: Address | None,
    *,
    backup: bool,
    interface: str | int | None,
) -> SubflowDetails:
    """`open_subflow`, with a deadline that another thread can let expire."""
    check_backup(backup)
    opened: SubflowDetails | None = None
    try:
        with control(sock) as connection, EventStream.of_connection(sock) as events:
            ends = wanted_ends(connection.fd, connection.remote, local, remote)
            wanted = _Wanted(*ends, backup, _index(sock, interface))
            opened = _Opening(connection, events, wanted, deadline).to_its_end()
            return opened  # noqa: RET504 - known, should leaving be interrupted
    except BaseException:
        if opened is not None:  # Ctrl-C came while netlink sockets were closed
            with suppress(MptcpError), control(sock) as connection:
                connection.take_back(opened)
        raise


def _index(sock: Descriptor, interface: str | int | None) -> int:
    return 0 if interface is None else interface_index(fileno(sock), interface)


class _Wanted(NamedTuple):
    """What the caller asked for."""

    local: Endpoint
    remote: Endpoint
    backup: bool
    interface: int
    """Index; 0: any."""

    def fits(self, local: Endpoint, remote: Endpoint) -> bool:
        """Whether a subflow between these endpoints can be the one."""
        return (
            remote == self.remote
            and (self.local.is_wildcard or local.host == self.local.host)
            and self.local.port in {0, local.port}
        )


class _Opening:
    """One subflow on its way."""

    def __init__(
        self,
        connection: Control,
        events: EventStream,
        wanted: _Wanted,
        deadline: Deadline,
    ) -> None:
        self._connection = connection
        self._events = events
        self._wanted = wanted
        self._deadline = deadline
        self._before: tuple[Subflow, ...] = ()
        """The subflows that were listed just before the SYN was sent."""
        self._is_sent = False
        """Whether the SYN may have been sent."""
        self._entry: Subflow | None = None
        """The one that was opened; ``None`` if it was refused before it could be listed."""
        self._was_settled = False
        """Whether the connection was seen to be fully established."""
        self._was_answered = False
        """Whether the peer answered the SYN (or the event that says so may have been lost)."""

    def __str__(self) -> str:
        ends = self._wanted if self._entry is None else self._entry
        return f"subflow {ends.local} -> {ends.remote}"

    def to_its_end(self) -> SubflowDetails:
        """The subflow, with its handshake behind it; if this fails there is none."""
        try:
            self._send_syn()
            return self._with_priority(self._wait_for_fourth_ack())
        except SubflowRefused:
            raise
        except NoSuchSubflow as gone:
            raise self._refusal(ECONNABORTED) from gone
        except BaseException:
            self._give_up()
            raise

    def _send_syn(self) -> None:
        """Send the SYN, as soon as the connection is far enough for additional subflows."""
        while not self._try_to_send():
            if self._deadline.passed:
                raise SubflowTimeout(
                    ETIMEDOUT,
                    f"{self}: within {self._deadline.seconds:g} s the connection was not fully "
                    "established, which takes some data and its acknowledgement (RFC 8684, "
                    "section 3.1)",
                )
            self._next_event(0 if self._was_settled else _LIVENESS_INTERVAL)

    def _wait_for_fourth_ack(self) -> SubflowDetails:
        """The subflow, once it is fully established.

        That is later than SUB_ESTABLISHED: an acceptor that refuses the subflow does so only after
        the third ACK (RFC 8684, section 3.2). Of the fourth the kernel sends no event.
        """
        while True:
            if self._entry is not None:
                subflow = self._connection.describe(self._entry)
                if subflow.fully_established:
                    return replace(subflow, state=self._connection.find(subflow.id).state)
            if self._deadline.passed:
                unanswered = "third ACK" if self._was_answered else "SYN"
                raise SubflowTimeout(
                    ETIMEDOUT,
                    f"{self}: not established within {self._deadline.seconds:g} s: "
                    f"the {unanswered} was not answered",
                )
            self._next_event(POLL_INTERVAL if self._was_answered else _LIVENESS_INTERVAL)

    def _with_priority(self, subflow: SubflowDetails) -> SubflowDetails:
        """The subflow with the priority asked for, which some kernels ignore in the SYN."""
        backup = self._wanted.backup
        if subflow.backup == backup:
            return subflow
        entry = self._connection.find(subflow)
        return self._connection.make_backup(entry, backup, self._deadline)

    def _give_up(self) -> None:
        """Take the half-open subflow away."""
        release(self._connection.fd)  # Ctrl-C may have come when that was to be done
        if self._entry is not None:
            self._connection.take_back(self._entry)

    def _refusal(self, code: int, detail: str = "") -> SubflowRefused:
        """The error for an errno, with what the kernel or the peer said besides."""
        reason = _REASONS.get(code, os.strerror(code))
        return SubflowRefused(code, f"{self} refused: {reason}{detail and f' ({detail})'}")

    def _try_to_send(self) -> bool:
        """Whether the SYN was sent; false if the connection is not far enough."""
        with alone(self._connection.fd, self._deadline):
            self._before = self._connection.entries()
            try:
                if not self._try_to_create():
                    return False
                self._entry = self._find_new()
            except BaseException:
                self._destroy_unlisted()
                raise
        return True

    def _try_to_create(self) -> bool:
        try:
            self._create()
        except KernelRefused as refused:
            if refused.errno != ENOTCONN:
                raise self._refusal(refused.errno, refused.strerror) from refused
            self._look_whether_settled()
            return False
        return True

    def _find_new(self) -> Subflow | None:
        """The subflow of the SYN that was sent; ``None`` if it is gone already."""
        known = {entry.id for entry in self._before}
        new = (entry for entry in self._connection.entries() if entry.id not in known)
        return next((e for e in new if self._wanted.fits(e.local, e.remote)), None)

    def _destroy_unlisted(self) -> None:
        """Take away what an interrupted call may have opened, without the socket's own list.

        If that was closed meanwhile others may have their turn already, and what is new can be
        theirs. So of several nothing is taken.
        """
        if not self._is_sent:
            return
        known = {(entry.local, entry.remote) for entry in self._before if is_open(entry)}
        with suppress(MptcpError):
            listed = self._connection.diag.subflows_to(self._wanted.remote)
            ends = {(each.local, each.remote) for each in listed} - known
            new = [each for each in ends if self._wanted.fits(*each)]
            if len(new) == 1:
                self._connection.manager.destroy(*new[0])

    def _create(self) -> None:
        """SUBFLOW_CREATE with the first address id that the kernel takes."""
        manager = self._connection.manager
        initial = LocalAddress(self._connection.local.host, 0, 0)
        listed = [initial, *manager.local_addresses()]
        wanted = self._wanted
        flags = AddressFlag.BACKUP if wanted.backup else AddressFlag(0)
        candidates = address_ids(wanted.local, listed, self._ids_in_use())
        refusal = KernelRefused(EINVAL, "no address id is free")
        for address_id in islice(candidates, _MOST_ID_TRIES):
            try:
                source = PmAddress(wanted.local, address_id, flags, wanted.interface)
                self._is_sent = True
                manager.create(source, wanted.remote)
            except KernelRefused as refused:
                self._is_sent = False
                if refused.errno != EINVAL:
                    raise
                refusal = refused
            else:
                return
        raise refusal

    def _ids_in_use(self) -> Iterator[LocalAddress]:
        for entry in filter(is_open, self._before):
            number = self._connection.describe(entry).local_id
            if number is not None:
                yield LocalAddress(entry.local.host, 0, number)

    def _look_whether_settled(self) -> None:
        """ENOTCONN means too early or too late; too late, if it was not too early before."""
        if self._was_settled:
            text = f"{self}: the connection is being closed and takes no more subflows"
            raise ConnectionEnded(ENOTCONN, text)
        self._was_settled = any(
            entry.state is TcpState.CLOSE or self._connection.describe(entry).fully_established
            for entry in self._before
        )

    def _next_event(self, timeout: float) -> None:
        """Wait for something to happen; raise if it is the end of the subflow."""
        try:
            event = self._events.next(min(timeout, self._deadline.left))
        except EventsLost:
            self._was_answered = True
            self._check_that_it_is_listed()
            return
        if event is None:
            read_names(self._connection.fd)  # raises if the peer aborted the connection
            return
        if event.kind is EventKind.CLOSED:
            raise ConnectionEnded(ENOTCONN, f"{self}: the connection ended meanwhile")
        if not self._is_own(event):
            return
        if event.kind is EventKind.SUB_ESTABLISHED:
            self._was_answered = True
        if event.kind is EventKind.SUB_CLOSED:
            raise self._closed(event)

    def _check_that_it_is_listed(self) -> None:
        numbers = {entry.id for entry in self._connection.entries()}
        if self._entry is None or self._entry.id not in numbers:
            raise self._refusal(ECONNABORTED, "the event that says why is lost")

    def _is_own(self, event: Event) -> bool:
        """Whether the event is about this subflow; a SUB_CLOSED may lack the remote port."""
        if event.inferred or event.local is None or event.remote is None:
            return False
        if self._entry is None:
            known = {entry.local for entry in self._before}
            return event.local not in known and self._wanted.fits(event.local, event.remote)
        remote = event.remote if event.remote.port else self._entry.remote
        return (event.local, remote) == (self._entry.local, self._entry.remote)

    def _closed(self, event: Event) -> SubflowRefused | SubflowTimeout:
        """The error for a SUB_CLOSED that came before the fourth ACK."""
        if event.error == ETIMEDOUT:
            return SubflowTimeout(ETIMEDOUT, f"{self}: the peer did not answer")
        code = event.error
        if code is None:  # so Linux 6.18 in both cases
            code = ECONNRESET if self._was_answered else ECONNABORTED
        detail = ""
        if event.reset_reason is not None:
            meaning = abi.MPTCP_RST_REASONS.get(event.reset_reason, "unknown")
            detail = f"reset reason {event.reset_reason}: {meaning}"
        refused = self._refusal(code, detail)
        refused.reset_reason = event.reset_reason
        return refused
