"""An interface that loses its addresses, as when a lease ends, and gains them again."""

from __future__ import annotations

from dataclasses import dataclass

from lab.build import Network
from lab.model import End
from lab.timeline.change import end


def _end(network: Network, where: str) -> End:
    link, (number,) = end(network.topology, where)
    return network.topology.link(link).ends[number]


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
        at = _end(network, self.where)
        network.node(at.node).remove_addresses(at.interface)


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
        network.node(at.node).add_addresses(at.interface)
