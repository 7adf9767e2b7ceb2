"""Virtual Network Locators: which VDE network an interface is connected to, vde_plug(1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from errno import EINVAL
from typing import NamedTuple

from mptcpapi.errors import InvalidArgument

_NAMED = re.compile(r"(?P<interface>[^:/]+):(?P<url>[^/].*|/(?!/).*)", re.DOTALL)
"""``eth0:vde:///tmp/sw``; a colon that belongs to a scheme is followed by two slashes."""

_LONGEST = 15
"""IFNAMSIZ (include/uapi/linux/if.h), without the zero at the end."""


_TAKEN = {"lo", ".", "..", "all", "default"}
"""The last two are directories of sysctls for all interfaces."""


class Network(NamedTuple):
    """One interface of a stack to be."""

    interface: str
    url: str
    """For libvdeplug."""


def parse(vnls: Sequence[str]) -> list[Network]:
    """The interfaces: named before a colon, as libioth has it, or else vde0, vde1 and so on.

    :raises InvalidArgument: one cannot be, or two have the same name
    """
    found = [_parsed(vnl, f"vde{number}") for number, vnl in enumerate(vnls)]
    names = [network.interface for network in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgument(EINVAL, f"two interfaces cannot both be '{name}'")
    return found


def _parsed(vnl: object, name: str) -> Network:
    if not isinstance(vnl, str) or not _can_be_argument(vnl):
        text = f"vnl {vnl!r}: expected the locator of a VDE network, as 'vde:///tmp/sw'"
        raise InvalidArgument(EINVAL, text)
    match = _NAMED.fullmatch(vnl)
    network = Network(match["interface"], match["url"]) if match else Network(name, vnl)
    if not _can_be_interface(network.interface):
        text = f"vnl {vnl!r}: an interface cannot be called {network.interface!r}"
        raise InvalidArgument(EINVAL, text)
    return network


def _can_be_argument(vnl: str) -> bool:
    if not vnl or "\0" in vnl or vnl.startswith(("-", "=")):
        return False
    return vnl == vnl.encode(errors="ignore").decode()  # no lone surrogates


def _can_be_interface(name: str) -> bool:
    """As the kernel sees it (dev_valid_name in net/core/dev.c); lo is there already."""
    if name in _TAKEN or "%" in name:
        return False
    return len(name.encode()) <= _LONGEST and name.split() == [name]
