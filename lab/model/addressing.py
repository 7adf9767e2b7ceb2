"""Subnets and addresses of links. Pure: text and values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Final

from lab.errors import UsageError
from lab.model.names import shown

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network

_UNUSABLE: Final = {
    ip_network("0.0.0.0/8"): "'this network' (RFC 791)",
    ip_network("127.0.0.0/8"): "loopback",
    ip_network("169.254.0.0/16"): "link-local",
    ip_network("224.0.0.0/4"): "multicast",
    ip_network("240.0.0.0/4"): "reserved (RFC 1112)",
    ip_network("::/96"): "for the unspecified and the loopback address",
    ip_network("::ffff:0:0/96"): "IPv4-mapped",
    ip_network("fe80::/10"): "link-local",
    ip_network("ff00::/8"): "multicast",
}


def subnet(text: str) -> Network:
    """The network of ``10.0.1.0/24`` or ``fd00:1::/64``.

    :raises UsageError: it is none, cannot be used on a link, or has no two addresses for its ends.
    """
    network = _network(text)
    for unusable, what in _UNUSABLE.items():
        if unusable.overlaps(network):
            raise UsageError(f"subnet {network} cannot be that of a link: {unusable} is {what}")
    if network.num_addresses < 2:
        raise UsageError(f"subnet {network} has one address; a link needs two, one for each end")
    return network


def _network(text: str) -> Network:
    prefix, slash, length = text.partition("/")
    try:
        found = ip_interface(text)
    except ValueError:
        found = None
    if found is None or "%" in prefix or not slash or not (length.isascii() and length.isdigit()):
        raise UsageError(f"{shown(text)} is not a subnet such as 10.0.1.0/24 or fd00:1::/64")
    if found.ip != found.network.network_address:
        raise UsageError(f"{shown(text)} is an address; its subnet is written {found.network}")
    return found.network


def address(text: str) -> Address:
    """The address of ``10.0.1.1`` or ``fd00:1::1``.

    :raises UsageError: it is none.
    """
    try:
        found = ip_address(text)
    except ValueError:
        found = None
    if found is None or "%" in text:
        raise UsageError(
            f"{shown(text)} is not an address such as 10.0.1.1 or fd00:1::1 "
            "(without a prefix length, which is the subnet's)"
        )
    return found


def usable(candidate: Address, network: Network) -> bool:
    """Whether an interface may have ``candidate``, which is in ``network``.

    IPv4's first and last address mean the network and everybody in it, unless the prefix has 31
    bits (RFC 3021); IPv6's first is that of all routers, unless the prefix has 127 (RFC 6164).
    """
    if network.num_addresses == 2:
        return True
    if candidate == network.network_address:
        return False
    return candidate.version == 6 or candidate != network.broadcast_address


def default(network: Network, end: int) -> Address:
    """The address of an end if the file writes none, by its number in the network, from 0 on."""
    return network[end] if network.num_addresses == 2 else network[end + 1]


def has_room(network: Network, written: Sequence[Address], end: int) -> bool:
    """Whether there is an address for the end of that number, or one is written."""
    if any(one in network for one in written):
        return True
    last = network.num_addresses - 1
    return end <= last if last == 1 else end + 1 < last + (network.version == 6)


def assign(networks: Iterable[Network], written: Sequence[Address], end: int) -> list[Interface]:
    """An end's addresses: in each network those that are written, or else its default one."""
    found: list[Interface] = []
    for network in networks:
        chosen = [one for one in written if one in network] or [default(network, end)]
        found += [ip_interface(f"{one}/{network.prefixlen}") for one in chosen]
    return found


def order(network: Network) -> tuple[int, int, int]:
    """A sort key that puts a network directly before what it contains."""
    return network.version, int(network.network_address), network.prefixlen
