"""A hop that does nothing: its interfaces have room for a rate and its queue."""

from __future__ import annotations

from pyroute2 import IPRoute

from lab import netns
from lab.interfaces import add_pair


class Pair:
    """A veth pair."""

    shapes = False

    def make(self, netlink: IPRoute, left: str, right: str) -> None:
        """Make the pair."""
        with netns.opened() as here:
            add_pair((left, here), (right, here))

    def trouble(self) -> str | None:
        """Nothing can go wrong."""
        return None

    def stop(self) -> None:
        """Do nothing."""
