"""Interfaces in network namespaces: making pairs, setting them up, waiting until packets pass."""

from __future__ import annotations

import time
from typing import Any

from pyroute2 import IPRoute

from lab import netns
from lab.errors import Unsupported

ONE_SEGMENT = {"gso_max_segs": 1}
"""Segmentation offload would put several segments into one packet of a capture, or of a queue."""

IFF_UP = 0x1
"""<linux/if.h>"""

FORWARDING = 3
"""BR_STATE_FORWARDING, <linux/if_bridge.h>"""

PATIENCE = 10.0
"""seconds until an interface counts as broken; usually it takes a millisecond."""

End = tuple[str, int]
"""The name of an interface, and the descriptor of its network namespace."""


def add_pair(netlink: IPRoute, first: End, second: End) -> None:
    """Make a veth pair, each end in its namespace."""
    ends = [
        {"ifname": name, "net_ns_fd": namespace, **ONE_SEGMENT}
        for name, namespace in (first, second)
    ]
    netlink.link("add", kind="veth", **ends[0], peer=ends[1])


def index_of(netlink: IPRoute, name: str) -> int:
    """The index of the interface ``name`` in the namespace of ``netlink``."""
    found: int = netlink.link_lookup(ifname=name)[0]
    return found


def set_state(end: End, state: str) -> None:
    """Set an interface "up" or "down"."""
    name, namespace = end
    with netns.entered(namespace), IPRoute() as netlink:
        netlink.link("set", index=index_of(netlink, name), state=state)


def set_mtu(end: End, mtu: int) -> None:
    """Set the largest IP packet of an interface, in octets."""
    name, namespace = end
    with netns.entered(namespace), IPRoute() as netlink:
        netlink.link("set", index=index_of(netlink, name), mtu=mtu)


def is_up(end: End) -> bool:
    """Whether an interface was set up."""
    name, namespace = end
    with netns.entered(namespace), IPRoute() as netlink:
        return bool(netlink.link("get", ifname=name)[0]["flags"] & IFF_UP)


def wait_until_up(*ends: End) -> None:
    """Return when every end passes packets on.

    An interface that is up drops all of them until the kernel has seen that its peer is up too, and
    so does the port of a bridge until it forwards.

    :raises Unsupported: one does not, after ``PATIENCE``.
    """
    deadline = time.monotonic() + PATIENCE
    for name, namespace in ends:
        with netns.entered(namespace), IPRoute() as netlink:
            while not _passes_packets(netlink.link("get", ifname=name)[0]):
                if time.monotonic() > deadline:
                    raise Unsupported(f"interface {name} was not up after {PATIENCE:g} s")
                time.sleep(0.001)


def _passes_packets(link: Any) -> bool:
    port = link.get(("linkinfo", "slave_data"))
    forwards = port is None or port.get("state") == FORWARDING
    # A tap has its carrier from the first moment and never says so (UNKNOWN, RFC 2863).
    tap = link.get(("linkinfo", "kind")) == "tun" and link.get("carrier")
    return bool(forwards and (tap or link.get("operstate") == "UP"))
