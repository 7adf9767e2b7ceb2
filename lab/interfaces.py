"""Interfaces in network namespaces: making pairs, setting them up, waiting until packets pass."""

from __future__ import annotations

import array
import fcntl
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from pyroute2 import IPRoute

from lab import netns
from lab.errors import Unsupported
from lab.rtnetlink import requests
from lab.rtnetlink.channel import Channel
from lab.rtnetlink.requests import LinkState, NewEnd

ONE_SEGMENT = {"gso_max_segs": 1}
"""Segmentation offload would put several segments into one packet of a capture, or of a queue."""

PATIENCE = 10.0
"""seconds until an interface counts as broken; usually it takes a millisecond."""

SIOCETHTOOL = 0x8946
"""<linux/sockios.h>"""

ETHTOOL_STXCSUM = 0x17
"""<linux/ethtool.h>"""

_NO_IPV6 = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")

_INDICES = count(1000)
"""No two interfaces of a lab have the same; the kernel's own choices begin at 1."""

End = tuple[str, int]
"""The name of an interface, and the descriptor of its network namespace."""


@contextmanager
def channel(namespace: int) -> Iterator[Channel]:
    """A channel to rtnetlink in a namespace; the thread need not be there when it is used."""
    with netns.entered(namespace):
        opened = Channel()
    with opened:
        yield opened


def send_nothing_unasked() -> None:
    """For a wire or a switch: interfaces of the present namespace from now on have no IPv6.

    They pass packets on and send none of their own.
    """
    _NO_IPV6.write_text("1", encoding="ascii")


def add_pair(first: End, second: End) -> None:
    """Make a veth pair, each end in its namespace and up."""
    with Channel() as netlink:
        ends = (NewEnd(*end, next(_INDICES)) for end in (first, second))
        netlink.carry_out([requests.veth(*ends)])
    set_state(second, "up")


def states(netlink: Channel) -> dict[str, LinkState]:
    """Every interface of a namespace by its name."""
    found = map(requests.link_state, netlink.ask(requests.links()))
    return {link.name: link for link in found}


def index_of(netlink: IPRoute, name: str) -> int:
    """The index of the interface ``name`` in the namespace of ``netlink``."""
    found: int = netlink.link_lookup(ifname=name)[0]
    return found


def set_state(end: End, state: str) -> None:
    """Set an interface "up" or "down"."""
    name, namespace = end
    with channel(namespace) as netlink:
        netlink.carry_out([requests.set_up(name, state == "up")])


def set_mtu(end: End, mtu: int) -> None:
    """Set the largest IP packet of an interface, in octets."""
    name, namespace = end
    with netns.entered(namespace), IPRoute() as netlink:
        netlink.link("set", index=index_of(netlink, name), mtu=mtu)


def complete_checksums(end: End) -> None:
    """Have the kernel compute checksums before packets leave by an interface.

    It would leave them to a card, so that a program at the other side would read unfinished ones.
    """
    name, namespace = end
    command = array.array("B", struct.pack("=II", ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP8x", name.encode(), command.buffer_info()[0])
    with (
        netns.entered(namespace),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket,
    ):
        fcntl.ioctl(any_socket, SIOCETHTOOL, request)


def is_up(end: End) -> bool:
    """Whether an interface was set up."""
    name, namespace = end
    with channel(namespace) as netlink:
        return states(netlink)[name].up


def wait_until_up(*ends: End) -> None:
    """Return when every end passes packets on.

    An interface that is up drops all of them until the kernel has seen that its peer is up too, and
    so does the port of a bridge until it forwards.

    :raises Unsupported: one does not, after ``PATIENCE``.
    """
    deadline = time.monotonic() + PATIENCE
    for namespace, names in _by_namespace(ends).items():
        with channel(namespace) as netlink:
            while waiting := names - {
                link.name for link in states(netlink).values() if link.passes
            }:
                if time.monotonic() > deadline:
                    raise Unsupported(f"interface {min(waiting)} was not up after {PATIENCE:g} s")
                time.sleep(0.001)


def _by_namespace(ends: Iterable[End]) -> dict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for name, namespace in ends:
        found[namespace].add(name)
    return found
