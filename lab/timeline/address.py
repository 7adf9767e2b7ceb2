"""An interface that loses its addresses, as when a lease ends, and gains them again."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from pyroute2 import IPRoute, NetlinkError

from lab.build import Network
from lab.model import End
from lab.timeline.change import end

IFA_F_NODAD = 0x02
"""<linux/if_addr.h>: the address is usable at once, without duplicate address detection"""


def _end(network: Network, where: str) -> End:
    link, (number,) = end(network.topology, where)
    return network.topology.link(link).ends[number]


def _change(network: Network, at: End, how: str, *, done: int) -> None:
    """Add or delete ("del") all addresses of an end; ``done``: the errno for what is so already."""
    with network.node(at.node).stack(), IPRoute() as netlink:
        index = netlink.link_lookup(ifname=at.interface)[0]
        for address in at.addresses:
            flags = {"flags": IFA_F_NODAD} if address.version == 6 else {}
            try:
                netlink.addr(
                    how, index=index, address=str(address.ip),
                    prefixlen=address.network.prefixlen, **flags,
                )  # fmt: skip
            except NetlinkError as refused:
                if refused.code != done:
                    raise


@dataclass(frozen=True, slots=True)
class AddressLost:
    """The interface at an end (``"client:wifi"``) loses all addresses that its file gives it.

    It stays up and has carrier. The kernel removes the routes from these addresses.
    """

    where: str

    def check(self, network: Network) -> None:
        """See that there is such an end."""
        end(network.topology, self.where)

    def make(self, network: Network) -> None:
        """Remove the addresses."""
        _change(network, _end(network, self.where), "del", done=errno.EADDRNOTAVAIL)


@dataclass(frozen=True, slots=True)
class AddressGained:
    """The interface at an end (``"client:wifi"``) has the addresses of its file, and their routes.

    Those that it still has stay as they are.
    """

    where: str

    def check(self, network: Network) -> None:
        """See that there is such an end."""
        end(network.topology, self.where)

    def make(self, network: Network) -> None:
        """Add the addresses that are missing, and the routes."""
        at = _end(network, self.where)
        _change(network, at, "add", done=errno.EEXIST)
        network.node(at.node).restore_routes(at.interface)
