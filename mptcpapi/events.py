"""What the kernel says of MPTCP connections as it happens (multicast group ``mptcp_pm_events``).

Not every change is an event: none is sent when a SYN goes out, when this host changes a subflow's
priority, when a connection falls back to TCP, or when a link goes down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext, suppress
from errno import ENOTCONN
from time import time
from typing import NamedTuple, Self

from mptcpapi import abi
from mptcpapi.deadline import Deadline
from mptcpapi.errors import ConnectionEnded, EventsLost, UsageError
from mptcpapi.event import Event, decode_event, decode_token
from mptcpapi.info import Descriptor, FullInfo, fileno, read_full_info
from mptcpapi.ledger import Ledger
from mptcpapi.lookup import Lookup
from mptcpapi.netlink import Closing, Netlink, mptcp_pm_family
from mptcpapi.netns import namespace_of
from mptcpapi.nlmsg import Message

_LOOKED_UP = 64
"""Connections that are looked up in one go, which takes about a millisecond."""
_SHARE = 8
"""Of more connections than that, so many goes look up all."""
_MOST_WAITING = 4096
"""Messages; the buffer holds no more. Who reads so many has read what waited when that began."""


class Sources(NamedTuple):
    """What a stream asks, in the network namespace that it is of."""

    netlink: Netlink
    """Receives the events."""
    lookup: Lookup


class EventStream(Closing):
    """Events from the moment it is made; a context manager, for one thread at a time.

    Made by `of_connection` or `of_namespace`. It takes CAP_NET_ADMIN.

    Linux 6.18 sends no CLOSED where the peer reset the connection, and an event can be lost. So
    `next` looks up the connections, every ``LOOKUP_INTERVAL`` seconds at most, and tells CLOSED of
    those that have ended.
    """

    LOOKUP_INTERVAL = 0.5
    """Seconds. Who waits for the descriptor of a stream calls ``next(0)`` about as often, too."""

    def __init__(
        self,
        sources: Sources,
        token: int | None = None,
        state: Callable[[], FullInfo] | None = None,
    ) -> None:
        self._netlink, self._lookup = sources
        self._token = token
        self._state = state
        """Looks at the connection as it is now."""
        self._ledger = Ledger()
        if token is not None:
            self._ledger.follow(token)
        self._read: deque[Event] = deque()
        self._next_lookup = Deadline(self.LOOKUP_INTERVAL)
        self._not_looked_up: list[int] = []

    @classmethod
    def of_connection(cls, sock: Descriptor, *, seed: bool = False) -> Self:
        """The events of one connection.

        ``seed``: begin with inferred events that tell of the subflows which it has already.

        :raises FallenBack: the connection is TCP
        :raises ConnectionEnded: it is not established, or ended
        :raises NoPrivilege: CAP_NET_ADMIN is missing
        """
        fd = fileno(sock)
        token = read_full_info(fd).token
        if token == 0:
            raise ConnectionEnded(ENOTCONN, f"descriptor {fd} is not connected, or not any more")
        stream = cls(_sources(fd), token, lambda: read_full_info(fd))
        try:
            stream._catch_up()
        except BaseException:
            stream.close()
            raise
        if not seed:
            stream._read.clear()
        return stream

    @classmethod
    def of_namespace(cls, sock: Descriptor | None = None) -> Self:
        """The events of all connections in the network namespace of ``sock``, of any protocol.

        ``None``: of the namespace that the calling thread is in.

        :raises NoPrivilege: CAP_NET_ADMIN is missing
        """
        return cls(_sources(None if sock is None else fileno(sock)))

    def close(self) -> None:
        """Stop listening; a second time is harmless."""
        with self._lookup:  # which is closed, too, if Ctrl-C comes now
            self._netlink.close()

    def fileno(self) -> int:
        """A descriptor that is readable when there is an event, for ``select`` and its kin."""
        return self._netlink.fileno()

    def next(self, timeout: float) -> Event | None:
        """The next event; ``None`` if ``timeout`` seconds passed without one (0: do not wait).

        :raises EventsLost: the kernel dropped events. What came before can still be read; the
            stream of one connection then tells by inferred events what has become of its subflows
        """
        deadline = Deadline(timeout)
        late = 0
        while not self._read:
            if self._next_lookup.passed:
                self._look_up()
                continue
            is_one = self._fill(min(deadline.left, self._next_lookup.left))
            late += deadline.passed
            if deadline.passed and (not is_one or late == _MOST_WAITING):
                return None  # others' events may come faster than they are passed over
        return self._read.popleft()

    def within(self, timeout: float) -> Iterator[Event]:
        """The events of the next ``timeout`` seconds, each as soon as it comes."""
        deadline = Deadline(timeout)
        while (event := self.next(deadline.left)) is not None:
            yield event

    def _fill(self, timeout: float) -> bool:
        """Read one datagram and keep the events in it that are wanted; whether there was one."""
        try:
            messages = self._netlink.receive(timeout)
        except EventsLost:
            if self._state is None:
                self._ledger.doubt()
            else:
                self._drain()
                self._catch_up()
            raise
        self._keep(messages)
        return bool(messages)

    def _drain(self) -> None:
        """Read what waits: it is older than the state that is looked at next."""
        for _ in range(_MOST_WAITING):
            with suppress(EventsLost):  # the caller is told already
                waiting = self._netlink.receive(0)
                if not waiting:
                    return
                self._keep(waiting)

    def _keep(self, messages: list[Message]) -> None:
        for message in messages:
            # Where many connections live, most events are those of others: not decoded at all.
            if self._token not in {None, decode_token(message)}:
                continue
            event = decode_event(message, time())
            if event is not None:
                self._read.extend(self._ledger.complete(event))

    def _look_up(self) -> None:
        """Tell the end of those connections that have ended without a word of the kernel."""
        known = self._ledger.tokens
        if not self._not_looked_up:
            self._not_looked_up = known
        size = max(_LOOKED_UP, len(known) // _SHARE)
        ended = self._lookup.ended(self._not_looked_up[:size])
        del self._not_looked_up[:size]
        self._next_lookup = Deadline(self.LOOKUP_INTERVAL)
        # The kernel says CLOSED before it forgets the token: if it said so, that can be read now.
        for _ in range(_MOST_WAITING if ended else 0):
            if not self._fill(0):
                break
        for token, is_forgotten in ended.items():
            self._read.extend(self._ledger.end(token, time()))
            if is_forgotten:
                self._ledger.forget(token)

    def _catch_up(self) -> None:
        """Look at the connection, if it is one's own and there is one still."""
        if self._state is None or self._token is None:
            return
        with suppress(UsageError):  # closed, ended: CLOSED tells
            info = self._state()
            if info.token == self._token:
                self._read.extend(self._ledger.catch_up(self._token, info.subflows, time()))


def _sources(beside: int | None) -> Sources:
    with ExitStack() as undo:
        with nullcontext() if beside is None else namespace_of(beside):
            netlink = undo.enter_context(Netlink(abi.NETLINK_GENERIC))
            lookup = undo.enter_context(Lookup())
        netlink.join(mptcp_pm_family().event_group)
        undo.pop_all()
    return Sources(netlink, lookup)
