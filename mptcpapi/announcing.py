"""Telling the peer of a connection which addresses this host has (RFC 8684, section 3.4)."""

from __future__ import annotations

from errno import EINVAL
from typing import Literal

from mptcpapi.abi import AddressFlag
from mptcpapi.control import Control, control
from mptcpapi.endpoint import Address, Endpoint, parse, unicast
from mptcpapi.errors import InvalidArgument, KernelRefused, check_integer
from mptcpapi.info import Descriptor, fileno, read_address_family, read_names
from mptcpapi.joins import JoinListener, listen_at
from mptcpapi.pathmanager import LocalAddress, PmAddress, address_ids

_GREATEST_ID = 0xFF


def path_manager(sock: Descriptor) -> Literal["kernel", "userspace"]:
    """Which path manager a connection has; it keeps the one that it began with.

    Source: the kernel's answer to a command that changes nothing, which takes CAP_NET_ADMIN.

    :raises NoPrivilege, FallenBack, ConnectionEnded, SocketClosed: see `mptcpapi.errors`
    """
    with control(sock) as connection:
        return "userspace" if connection.manager.is_userspace() else "kernel"


def announce(sock: Descriptor, address: Address, *, id: int | None = None) -> int:
    """Tell the peer of an address of this host with ADD_ADDR; return its address id.

    ``address``: a host, or host and port; without a port, the peer takes that of the connection.
    ``id``: from 1 to 255; ``None``: the one by which the connection knows the address, or the first
    that is free. Whether the peer opens a subflow to it is its own choice; it can only if an MPTCP
    socket listens there. An IPv6 address with a port does not fit into a segment with timestamps:
    Linux 6.18 accepts it and sends nothing. Source: ANNOUNCE.

    :raises InvalidArgument: an address or id that cannot be
    :raises KernelRefused: the kernel does not want to; the text says why
    :raises NoPrivilege, PathManagerNotUserspace, FallenBack, ConnectionEnded, SocketClosed:
        see `mptcpapi.errors`
    """
    with control(sock) as connection:
        local = unicast(parse(address, 0, read_address_family(connection.fd)))
        if id is None:
            initial = LocalAddress(connection.local.host, 0, 0)
            listed = connection.manager.local_addresses()
            id = next(n for n in address_ids(local, listed, [initial]) if n > 0)
        check_integer("address id", id, 1, _GREATEST_ID)
        try:
            connection.manager.announce(PmAddress(local, id, AddressFlag.SIGNAL))
        except KernelRefused as refused:
            raise _not_announced(connection, local, id, refused) from refused
        return id


def _not_announced(
    connection: Control, local: Endpoint, address_id: int, refused: KernelRefused
) -> KernelRefused:
    """What was refused, and if an id does not fit, which ones do."""
    text = f"{local if local.port else local.host} was not announced with the address id "
    text += f"{address_id}: {refused.strerror}"
    if refused.errno == EINVAL:
        known = [
            f"{each.id} is {Endpoint(each.host, each.port) if each.port else each.host}"
            for each in connection.manager.local_addresses()
        ]
        text += f"; of the ids that the connection has, {', '.join(known) or 'there is none'}"
        text += ": leave the id out, take another, or withdraw that one first"
    return KernelRefused(refused.errno, text)


def listen_for(sock: Descriptor, address: Address) -> JoinListener:
    """What listens where the peer goes when this address is announced to it.

    :raises InvalidArgument: an address that cannot be
    :raises KernelRefused: it cannot listen there; errno and text say why
    """
    fd = fileno(sock)
    ours, _ = read_names(fd)
    local = unicast(parse(address, 0, read_address_family(fd)))
    return listen_at(fd, Endpoint(local.host, local.port or ours.port))


def withdraw(sock: Descriptor, id: int) -> None:
    """Take an address back with REMOVE_ADDR; the peer then closes the subflows that use it.

    ``id``: as `announce` gave it, or the ``local_id`` of a subflow. Source: REMOVE.

    :raises InvalidArgument: the connection has no address with this id
    :raises NoPrivilege, PathManagerNotUserspace, FallenBack, ConnectionEnded, SocketClosed:
        see `mptcpapi.errors`
    """
    with control(sock) as connection:
        check_integer("address id", id, 0, _GREATEST_ID)
        try:
            connection.manager.remove(id)
        except KernelRefused as refused:
            if refused.errno != EINVAL:
                raise
            text = f"address id {id}: the connection has no such ({refused.strerror})"
            raise InvalidArgument(EINVAL, text) from refused
