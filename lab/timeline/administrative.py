"""A link set down and up by its owners, at both ends."""

from __future__ import annotations

from dataclasses import dataclass

from lab.build import Network


@dataclass(frozen=True, slots=True)
class LinkDown:
    """Both interfaces of a link are set down, and lose their routes."""

    link: str

    def check(self, network: Network) -> None:
        """See that there is such a link."""
        network.topology.link(self.link)

    def make(self, network: Network) -> None:
        """Set both ends down."""
        network.set_link(self.link, up=False)


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Both interfaces of a link are set up, and have the routes that they lost."""

    link: str

    def check(self, network: Network) -> None:
        """See that there is such a link."""
        network.topology.link(self.link)

    def make(self, network: Network) -> None:
        """Set both ends up; when this returns, packets pass."""
        network.set_link(self.link, up=True)
