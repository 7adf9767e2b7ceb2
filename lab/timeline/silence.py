"""Silent loss: packets enter a link and never leave it, and no interface shows anything."""

from __future__ import annotations

from dataclasses import dataclass

from lab.build import Network
from lab.link import Way
from lab.timeline.change import require_way, ways
from lab.timeline.wire import require_wire


@dataclass(frozen=True, slots=True)
class Blackhole:
    """Nothing passes a link any more, in one direction or (None) in both; the carrier stays."""

    link: str
    direction: Way | None = None

    def check(self, network: Network) -> None:
        """See that there is such a link, with a wire, and such a direction."""
        network.topology.link(self.link)
        require_way(self.direction)
        require_wire(network, self.link, "lose packets in silence")

    def make(self, network: Network) -> None:
        """Let nothing pass."""
        network.wire(self.link).block(*ways(self.direction))
