"""Who has a port in the fake network, and who listens there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import index
from socket import AF_INET6, SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET, AddressFamily

from mptcpapi.endpoint import Endpoint
from mptcpapi.testing.below import Below
from mptcpapi.testing.connection import End

_PAIR, _LONGEST = 2, 4
"""Items of an address: host and port; of IPv6 also the flow and the scope."""
_GREATEST_PORT = 0xFFFF


@dataclass(eq=False, slots=True)
class Holder:
    """What is known of one socket."""

    family: int
    is_mptcp: bool
    local: Endpoint | None = None
    """In the fake network; ``None``: not bound."""
    remote: Endpoint | None = None
    """In the fake network; ``None``: not connected, or to a server outside of it."""
    end: End | None = None
    below: Below = field(default_factory=Below)
    real: Endpoint | None = None
    """Where it listens in truth: on the loopback interface."""
    is_tcp: bool = False
    """Whether the connection fell back."""
    is_v6_only: bool = False
    is_listening: bool = False
    is_aborted: bool = False
    """Whether closing it resets the connection."""
    token: int = 0
    """Of a connection that fell back."""


def check_address(address: object, family: AddressFamily, call: str) -> None:
    """Refuse what Python itself refuses as the address of a socket, with its own errors."""
    if not isinstance(address, tuple):
        kind = type(address).__name__
        raise TypeError(f"{call}(): {family.name} address must be tuple, not {kind}")
    if len(address) != _PAIR and not (family == AF_INET6 and _PAIR < len(address) <= _LONGEST):
        raise TypeError(f"{family.name} address must be a pair (host, port)")
    host, port = address[:_PAIR]
    if not isinstance(host, str | bytes | bytearray):
        raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")
    if not 0 <= index(port) <= _GREATEST_PORT:
        raise OverflowError(f"{call}(): port must be 0-65535.")


def is_taken(wanted: Endpoint, asking: Holder, others: Iterable[Holder]) -> bool:
    """Whether another socket's port is in the way of binding to, or listening at, this one.

    As ``inet_csk_bind_conflict`` in ``net/ipv4/inet_connection_sock.c``.
    """
    return any(
        other is not asking
        and other.local is not None
        and other.local.port == wanted.port
        and _overlap(wanted, asking.is_v6_only, other.local, other.is_v6_only)
        and not _share(asking, other)
        for other in others
    )


def _overlap(one: Endpoint, one_v6_only: bool, other: Endpoint, other_v6_only: bool) -> bool:
    return _covers(one, other.host, one_v6_only) or _covers(other, one.host, other_v6_only)


def _covers(local: Endpoint, host: str, is_v6_only: bool) -> bool:
    """Whether who has ``local`` has the address ``host``, too."""
    if local.host == "::":
        return ":" in host or not is_v6_only
    return local.host == host or (local.is_wildcard and ":" not in host)


def _share(asking: Holder, other: Holder) -> bool:
    """Whether both may have the port."""
    return _both(SO_REUSEPORT, asking, other) or (
        _both(SO_REUSEADDR, asking, other) and not other.is_listening
    )


def _both(option: int, *holders: Holder) -> bool:
    return all(each.below.option(SOL_SOCKET, option) for each in holders)


def listener_at(target: Endpoint, holders: Iterable[Holder]) -> Holder | None:
    """Who listens there: at the very address rather than at a wildcard."""
    found = [
        each
        for each in holders
        if each.is_listening
        and each.local is not None
        and each.local.port == target.port
        and _covers(each.local, target.host, each.is_v6_only)
    ]
    return min(found, key=lambda each: each.local != target, default=None)
