"""The wire in the middle of a link, where a link is changed without its ends' doing."""

from __future__ import annotations

from pyroute2 import IPRoute

from lab import netns
from lab.build import Network
from lab.cable import PORTS
from lab.errors import InvalidRun, Unsupported
from lab.link import LabLink


def require_wire(network: Network, link: str, purpose: str) -> None:
    """See that ``link`` has a wire, so that it can do what ``purpose`` says.

    The two ends of a plain veth pair are each other's carrier: one loses it only when the other is
    set down, which the host at that end would see as its own doing.

    :raises Unsupported: it has none.
    """
    if network.wire(link).cable is None:
        raise Unsupported(
            f"link '{link}' declares nothing, so it is a plain cable and cannot {purpose}: "
            "declare a rate that does not hurt, 'rate: 10 Gbit/s', or play LinkDown"
        )


def set_carrier(link: LabLink, number: int, state: str) -> None:
    """Set the wire's port towards an end "up" or "down": the end has carrier, or none.

    :raises InvalidRun: the link has no wire any more, or somebody has removed the port.
    """
    if link.cable is None:
        raise InvalidRun("the link has ended")
    with netns.entered(link.cable.namespace), IPRoute() as netlink:
        port = netlink.link_lookup(ifname=PORTS[number])
        if not port:
            raise InvalidRun(f"the wire has lost its interface '{PORTS[number]}'")
        netlink.link("set", index=port[0], state=state)
