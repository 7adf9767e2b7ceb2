"""What the kernel says of MPTCP connections as it happens (multicast group ``mptcp_pm_events``).

Not every change is an event: none is sent when a SYN goes out, when this host changes a subflow's
priority, when a connection falls back to TCP, or when a link goes down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from time import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mptcpapi import abi
from mptcpapi.deadline import Deadline
from mptcpapi.endpoint import Endpoint, numeric_host
from mptcpapi.info import Descriptor, fileno, read_full_info
from mptcpapi.netlink import Netlink, mptcp_pm_family
from mptcpapi.nlmsg import Message

if TYPE_CHECKING:
    from mptcpapi.tables import Decoded


class EventKind(IntEnum):
    """``enum mptcp_event_type`` of ``include/uapi/linux/mptcp_pm.h``."""

    CREATED = abi.MPTCP_EVENT_CREATED
    """A connection was made; no subflow can be added yet."""
    ESTABLISHED = abi.MPTCP_EVENT_ESTABLISHED
    """The peer is known to speak MPTCP; subflows can be added."""
    CLOSED = abi.MPTCP_EVENT_CLOSED
    """The connection ended. Its subflows get no SUB_CLOSED of their own."""
    ANNOUNCED = abi.MPTCP_EVENT_ANNOUNCED
    """The peer announced an address (ADD_ADDR)."""
    REMOVED = abi.MPTCP_EVENT_REMOVED
    """The peer withdrew an address (RM_ADDR)."""
    SUB_ESTABLISHED = abi.MPTCP_EVENT_SUB_ESTABLISHED
    """A subflow answered: to its initiator the SYN/ACK, to the acceptor the third ACK."""
    SUB_CLOSED = abi.MPTCP_EVENT_SUB_CLOSED
    """A subflow ended, or could not be opened."""
    SUB_PRIORITY = abi.MPTCP_EVENT_SUB_PRIORITY
    """The peer changed a subflow's priority (MP_PRIO)."""
    LISTENER_CREATED = abi.MPTCP_EVENT_LISTENER_CREATED
    """A socket listens (Linux 6.2 and later)."""
    LISTENER_CLOSED = abi.MPTCP_EVENT_LISTENER_CLOSED
    """A listening socket was closed (Linux 6.2 and later)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``None`` stands in every field that the kernel left out."""

    kind: EventKind
    received: float
    """When it was read here, in seconds since the epoch (the clock of captures)."""
    token: int | None = None
    """The connection's local token; a LISTENER event has none."""
    local: Endpoint | None = None
    remote: Endpoint | None = None
    """Of a subflow destroyed before its SYN was answered, the port is 0."""
    local_id: int | None = None
    """Address id; several subflows can have the same."""
    remote_id: int | None = None
    """Address id, given by the peer."""
    backup: bool | None = None
    """What the peer last asked for: backup or not."""
    error: int | None = None
    """The errno that ended the subflow."""
    reset_reason: int | None = None
    """The reason in the peer's MP_TCPRST (RFC 8684, section 3.6)."""
    interface: int | None = None
    """The index of the interface that the subflow is bound to."""


class EventStream:
    """Events from the moment it is made; a context manager, for one thread at a time.

    Made by `of_connection` or `of_namespace`. It takes CAP_NET_ADMIN.
    """

    def __init__(self, netlink: Netlink, token: int | None = None) -> None:
        self._netlink = netlink
        self._token = token
        self._read: deque[Event] = deque()

    @classmethod
    def of_connection(cls, sock: Descriptor) -> Self:
        """The events of one connection.

        :raises FallenBack: the connection is TCP
        :raises NoPrivilege: CAP_NET_ADMIN is missing
        """
        fd = fileno(sock)
        token = read_full_info(fd).token
        return cls(_subscribed(fd), token)

    @classmethod
    def of_namespace(cls, sock: Descriptor | None = None) -> Self:
        """The events of all connections in the network namespace of ``sock``, of any protocol.

        ``None``: of the namespace that the calling thread is in.

        :raises NoPrivilege: CAP_NET_ADMIN is missing
        """
        return cls(_subscribed(None if sock is None else fileno(sock)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; a second time is harmless."""
        self._netlink.close()

    def fileno(self) -> int:
        """A descriptor that is readable when there is an event, for ``select`` and its kin."""
        return self._netlink.fileno()

    def next(self, timeout: float) -> Event | None:
        """The next event; ``None`` if ``timeout`` seconds passed without one (0: do not wait).

        :raises EventsLost: the kernel dropped events; the stream goes on with the next one
        """
        deadline = Deadline(timeout)
        while not self._read:
            messages = self._netlink.receive(deadline.left)
            if not messages:
                return None
            self._keep_wanted(messages)
        return self._read.popleft()

    def within(self, timeout: float) -> Iterator[Event]:
        """The events of the next ``timeout`` seconds, each as soon as it comes."""
        deadline = Deadline(timeout)
        while (event := self.next(deadline.left)) is not None:
            yield event

    def _keep_wanted(self, messages: list[Message]) -> None:
        for message in messages:
            event = decode_event(message, time())
            if event is not None and self._token in {None, event.token}:
                self._read.append(event)


def _subscribed(beside: int | None) -> Netlink:
    netlink = Netlink(abi.NETLINK_GENERIC, beside=beside)
    try:
        netlink.join(mptcp_pm_family().event_group)
    except BaseException:
        netlink.close()
        raise
    return netlink


def decode_event(message: Message, received: float) -> Event | None:
    """The event in a netlink message; ``None``: of a kind newer than this package."""
    from mptcpapi import tables  # noqa: PLC0415 - see there

    fields = tables.decode(tables.mptcp_event_msg, message, abi.GENLMSGHDR.size)
    try:
        kind = EventKind(fields.fixed["cmd"])
    except ValueError:
        return None
    backup = fields.integer("MPTCP_ATTR_BACKUP")
    return Event(
        kind=kind,
        received=received,
        token=fields.integer("MPTCP_ATTR_TOKEN"),
        local=_endpoint(fields, "S"),
        remote=_endpoint(fields, "D"),
        local_id=fields.integer("MPTCP_ATTR_LOC_ID"),
        remote_id=fields.integer("MPTCP_ATTR_REM_ID"),
        backup=None if backup is None else bool(backup),
        error=fields.integer("MPTCP_ATTR_ERROR"),
        reset_reason=fields.integer("MPTCP_ATTR_RESET_REASON"),
        interface=fields.integer("MPTCP_ATTR_IF_IDX"),
    )


def _endpoint(fields: Decoded, side: str) -> Endpoint | None:
    """The source (``S``: this host) or destination (``D``) of an event."""
    host = fields.host(f"MPTCP_ATTR_{side}ADDR4", f"MPTCP_ATTR_{side}ADDR6")
    port = fields.integer(f"MPTCP_ATTR_{side}PORT")
    return None if host is None else Endpoint(numeric_host(host), port or 0)
