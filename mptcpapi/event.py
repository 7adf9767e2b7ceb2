"""One event of the kernel's path manager: its value, and how it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from errno import EBADMSG
from typing import TYPE_CHECKING

from mptcpapi import abi
from mptcpapi.endpoint import Endpoint, numeric_host
from mptcpapi.errors import BadAnswer
from mptcpapi.importing import importing
from mptcpapi.nlmsg import Message, attributes, integer

if TYPE_CHECKING:
    from mptcpapi.tables import Decoded


class EventKind(IntEnum):
    """``enum mptcp_event_type`` of ``include/uapi/linux/mptcp_pm.h``."""

    CREATED = abi.MPTCP_EVENT_CREATED
    """A connection was made; no subflow can be added yet."""
    ESTABLISHED = abi.MPTCP_EVENT_ESTABLISHED
    """The peer is known to speak MPTCP; subflows can be added."""
    CLOSED = abi.MPTCP_EVENT_CLOSED
    """The connection ended. An `EventStream` tells the end of its subflows just before."""
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
    server_side: bool | None = None
    """Of CREATED and ESTABLISHED: whether this host accepted the connection."""
    inferred: bool = False
    """Not sent by the kernel: this package found it out, from other events or from the state."""


_OF_CONNECTIONS = (EventKind.CREATED, EventKind.ESTABLISHED)


def decode_token(message: Message) -> int | None:
    """Whose event it is, without decoding the rest; ``None``: of no connection."""
    if len(message.body) < abi.GENLMSGHDR.size:
        raise BadAnswer(EBADMSG, f"an event of {len(message.body)} bytes is too short")
    for kind, payload in attributes(message.body[abi.GENLMSGHDR.size :]):
        if kind == abi.MPTCP_ATTR_TOKEN:
            return integer(payload, 4)
    return None


def decode_event(message: Message, received: float) -> Event | None:
    """The event in a netlink message; ``None``: of a kind newer than this package."""
    with importing:
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
        server_side=_server_side(fields) if kind in _OF_CONNECTIONS else None,
    )


def _server_side(fields: Decoded) -> bool:
    """An attribute of its own up to Linux 6.17, then a flag; the attribute is given up since."""
    flags = fields.integer("MPTCP_ATTR_FLAGS") or 0
    attribute = fields.integer("MPTCP_ATTR_SERVER_SIDE")
    return bool(attribute or flags & abi.MPTCP_PM_EV_FLAG_SERVER_SIDE)


def _endpoint(fields: Decoded, side: str) -> Endpoint | None:
    """The source (``S``: this host) or destination (``D``) of an event."""
    host = fields.host(f"MPTCP_ATTR_{side}ADDR4", f"MPTCP_ATTR_{side}ADDR6")
    port = fields.integer(f"MPTCP_ATTR_{side}PORT")
    return None if host is None else Endpoint(numeric_host(host), port or 0)
