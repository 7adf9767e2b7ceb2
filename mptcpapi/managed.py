"""The endpoints and limits by which the kernel's own path manager works, per network namespace.

They concern connections whose path manager is the kernel's. All functions act in the network
namespace of the calling thread; reading takes no privilege, changing takes CAP_NET_ADMIN.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EBADMSG
from socket import AF_UNSPEC
from typing import NamedTuple

from mptcpapi import abi
from mptcpapi.abi import AddressFlag
from mptcpapi.endpoint import Address, Endpoint, numeric_host, parse, unicast
from mptcpapi.errors import BadAnswer, KernelRefused, check_integer
from mptcpapi.importing import importing
from mptcpapi.interface import index_of
from mptcpapi.netlink import Netlink, mptcp_pm_family
from mptcpapi.nlmsg import Message, nested, number
from mptcpapi.pathmanager import PmAddress, encode, pm_addr


class ManagedAddress(NamedTuple):
    """One endpoint of the kernel's path manager, as ``ip mptcp endpoint`` shows it."""

    id: int
    """Address id, from 1 to 255."""
    address: Endpoint
    """The port is 0 where none was given."""
    flags: AddressFlag
    """What it is used for."""
    interface: int
    """Index of the one to which its subflows are bound; 0: none."""


class Limits(NamedTuple):
    """What the kernel's path manager does not exceed, per connection; from 0 to 8."""

    subflows: int
    """Subflows besides the initial one, opened or accepted."""
    add_addr_accepted: int
    """Announced addresses to which it opens subflows."""


def endpoints() -> tuple[ManagedAddress, ...]:
    """The endpoints, by ascending id. Source: GET_ADDR.

    :raises Unsupported: a kernel without MPTCP
    """
    answers = _request(abi.MPTCP_PM_CMD_GET_ADDR, flags=abi.NLM_F_DUMP)
    return tuple(sorted(map(decode_endpoint, answers)))


def add_endpoint(
    address: Address,
    flags: AddressFlag,
    *,
    id: int | None = None,
    interface: str | int | None = None,
) -> ManagedAddress:
    """Give the kernel's path manager an address of this host; return the endpoint as it then is.

    ``address``: a host, or host and port. ``id``: from 1 to 255; ``None``: the kernel chooses.
    ``interface``: bind its subflows to it. Source: ADD_ADDR.

    :raises InvalidArgument: an address, id, interface or flags that cannot be
    :raises KernelRefused: the kernel does not want to; the text says why
    :raises NoPrivilege, Unsupported: see `mptcpapi.errors`
    """
    wanted = unicast(parse(address, 0, AF_UNSPEC))
    check_integer("flags", flags, 0, 0xFFFFFFFF)
    index = 0 if interface is None else index_of(interface)
    if id is not None:
        check_integer("address id", id, 1, 0xFF)
    attribute = pm_addr(abi.MPTCP_PM_ATTR_ADDR, PmAddress(wanted, id, AddressFlag(flags), index))
    with _about(f"endpoint {wanted.host}"):
        _request(abi.MPTCP_PM_CMD_ADD_ADDR, attribute)
    return next(found for found in endpoints() if found.address == wanted)


def remove_endpoint(endpoint: ManagedAddress | int) -> None:
    """Take an endpoint away, and close its subflows. ``endpoint``: it, or its id. Source: DEL_ADDR.

    :raises KernelRefused: there is no such endpoint; the text says why
    :raises NoPrivilege, InvalidArgument, Unsupported: see `mptcpapi.errors`
    """
    id = endpoint.id if isinstance(endpoint, ManagedAddress) else endpoint
    check_integer("address id", id, 1, 0xFF)
    attribute = nested(abi.MPTCP_PM_ATTR_ADDR, number(abi.MPTCP_PM_ADDR_ATTR_ID, id, 1))
    with _about(f"endpoint {id}"):
        _request(abi.MPTCP_PM_CMD_DEL_ADDR, attribute)


def limits() -> Limits:
    """The limits. Source: GET_LIMITS.

    :raises Unsupported: a kernel without MPTCP
    """
    (answer,) = _request(abi.MPTCP_PM_CMD_GET_LIMITS)
    return decode_limits(answer)


def set_limits(*, subflows: int | None = None, add_addr_accepted: int | None = None) -> Limits:
    """Set the limits that are given, and return both as they then are. Source: SET_LIMITS.

    :raises InvalidArgument: a limit that is no integer from 0 to 255
    :raises KernelRefused: the kernel does not want to; the text says why
    :raises NoPrivilege, Unsupported: see `mptcpapi.errors`
    """
    before = limits()
    after = Limits(
        before.subflows if subflows is None else subflows,
        before.add_addr_accepted if add_addr_accepted is None else add_addr_accepted,
    )
    for name, value in after._asdict().items():
        check_integer(name, value, 0, 0xFF)
    with _about(f"limits {tuple(after)}"):
        _request(
            abi.MPTCP_PM_CMD_SET_LIMITS,
            number(abi.MPTCP_PM_ATTR_SUBFLOWS, after.subflows, 4),
            number(abi.MPTCP_PM_ATTR_RCV_ADD_ADDRS, after.add_addr_accepted, 4),
        )
    return limits()


def decode_endpoint(message: Message) -> ManagedAddress:
    """One part of the answer to GET_ADDR."""
    with importing:
        from mptcpapi import tables  # noqa: PLC0415 - see there

    fields = tables.decode(tables.mptcp_pm_msg, message, abi.GENLMSGHDR.size)
    address = fields.nested("MPTCP_PM_ATTR_ADDR")
    if address is None:
        raise BadAnswer(EBADMSG, "GET_ADDR: an answer without an endpoint")
    host = address.host("MPTCP_PM_ADDR_ATTR_ADDR4", "MPTCP_PM_ADDR_ATTR_ADDR6")
    number = address.integer("MPTCP_PM_ADDR_ATTR_ID")
    if host is None or number is None:
        raise BadAnswer(EBADMSG, "GET_ADDR: an endpoint without an address or an id")
    port = address.integer("MPTCP_PM_ADDR_ATTR_PORT") or 0
    flags = address.integer("MPTCP_PM_ADDR_ATTR_FLAGS") or 0
    interface = address.integer("MPTCP_PM_ADDR_ATTR_IF_IDX") or 0
    return ManagedAddress(number, Endpoint(numeric_host(host), port), AddressFlag(flags), interface)


def decode_limits(message: Message) -> Limits:
    """The answer to GET_LIMITS."""
    with importing:
        from mptcpapi import tables  # noqa: PLC0415 - see there

    fields = tables.decode(tables.mptcp_pm_msg, message, abi.GENLMSGHDR.size)
    subflows = fields.integer("MPTCP_PM_ATTR_SUBFLOWS")
    accepted = fields.integer("MPTCP_PM_ATTR_RCV_ADD_ADDRS")
    if subflows is None or accepted is None:
        raise BadAnswer(EBADMSG, "GET_LIMITS: a limit is missing")
    return Limits(subflows, accepted)


def _request(command: int, *attributes: bytes, flags: int = 0) -> list[Message]:
    with Netlink(abi.NETLINK_GENERIC) as netlink:
        return netlink.request(mptcp_pm_family().id, encode(command, *attributes), flags=flags)


@contextmanager
def _about(what: str) -> Iterator[None]:
    """Say what a refusal is about."""
    try:
        yield
    except KernelRefused as refused:
        raise KernelRefused(refused.errno, f"{what}: {refused.strerror}") from refused
