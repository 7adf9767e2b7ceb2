"""Carrier loss: a cable is pulled out. The interface stays up as its owner set it, without carrier.

The kernel of the host knows it at once, in contrast to silence (:mod:`lab.timeline.silence`).
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.build import Network
from lab.timeline.change import place
from lab.timeline.wire import require_wire, set_carrier


@dataclass(frozen=True, slots=True)
class Cut:
    """Both ends of a link (``"wifi"``), or one end of it (``"client:wifi"``), lose their carrier.

    Nothing passes in either direction, and what waited at a cut end is lost.
    """

    where: str

    def check(self, network: Network) -> None:
        """See that there is such a place, and that the link has a wire that can be cut."""
        require_wire(network, place(network.topology, self.where).link, "lose its carrier")

    def make(self, network: Network) -> None:
        """Take the carrier away."""
        link, ends = place(network.topology, self.where)
        for number in ends:
            set_carrier(network.wire(link), number, "down")


@dataclass(frozen=True, slots=True)
class Restore:
    """A link carries again: what ``Cut`` and ``Blackhole`` took is given back, at both ends."""

    link: str

    def check(self, network: Network) -> None:
        """See that there is such a link, with a wire."""
        network.topology.link(self.link)
        require_wire(network, self.link, "be restored")

    def make(self, network: Network) -> None:
        """Give back carrier and passage; when this returns, packets pass."""
        link = network.wire(self.link)
        link.unblock()
        for number in (0, 1):
            set_carrier(link, number, "up")
        link.settle()
