"""Links between nodes: a veth pair, or two with a wire between them where the link is shaped."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from mininet.link import Intf, Link
from mininet.node import Node
from pyroute2 import IPRoute

from lab import netns, shape
from lab.errors import Unsupported
from lab.model import Direction

ONE_SEGMENT = {"gso_max_segs": 1}
"""Segmentation offload would put several segments into one packet of a capture, or of a queue."""

NO_IPV6 = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
"""A wire passes packets on and sends none of its own."""

PORTS = ("first", "second")
"""The interfaces of a wire, each towards that end of its link."""

IFF_UP = 0x1
"""<linux/if.h>"""

FORWARDING = 3
"""BR_STATE_FORWARDING, <linux/if_bridge.h>"""

PATIENCE = 10.0
"""seconds until an interface counts as broken; usually it takes a millisecond."""

End = tuple[str, int]
"""The name of an interface, and the descriptor of its network namespace."""


class LabIntf(Intf):  # type: ignore[misc]
    """An interface whose addresses the node sets by itself, when all its links exist."""

    def config(self, **_params: Any) -> dict[str, str]:
        """Tell Mininet's own commands one address: IPv4 where there is one, as they expect."""
        addresses = sorted(self.node.addresses[self.name], key=lambda one: one.version)
        for address in addresses[:1]:
            self.ip, self.prefixLen = str(address.ip), str(address.network.prefixlen)
        return {}

    def updateIP(self) -> str | None:
        """The address that it has; Mininet would look for an IPv4 address."""
        address: str | None = self.ip
        return address

    def ifconfig(self, *arguments: str) -> str:
        """What Mininet's prompt does for ``link client server up``; else, run ifconfig(8)."""
        if arguments in (("up",), ("down",)):
            self.set_state(arguments[0])
            return ""
        said: str = super().ifconfig(*arguments)
        return said

    def set_state(self, state: str) -> None:
        """Set it "up" or "down". When it is up, it has its routes, and packets pass."""
        with _namespace(self.node) as namespace:
            _set((self.name, namespace), state)
        if state == "up":
            self.node.restore_routes(self.name)
            self.link.settle()


class LabLink(Link):  # type: ignore[misc]
    """A link as its two directions declare it.

    The wire of a shaped link is a bridge in a network namespace of its own; each of its two ports,
    ``first`` and ``second``, shapes what it sends to that end.
    """

    def __init__(
        self, node1: Node, node2: Node, *, there: Direction, back: Direction, **params: Any
    ) -> None:
        self.there, self.back = there, back
        self.wire: int | None = None
        self.intf1: LabIntf | None
        self.intf2: LabIntf | None
        super().__init__(node1, node2, **{**params, "intf": LabIntf})

    def makeIntfPair(  # type: ignore[no-untyped-def]  # Mininet's names
        self, intfname1, intfname2, _addr1=None, _addr2=None, node1=None, node2=None, **_
    ) -> None:
        """Make both interfaces, each in the namespace of its node."""
        with _namespace(node1) as here, _namespace(node2) as far:
            first, second = (intfname1, here), (intfname2, far)
            if shape.shaped(self.there) or shape.shaped(self.back):
                self.wire = netns.create()
                self._lay_wire(self.wire, first, second)
            else:
                with IPRoute() as netlink:
                    _add_pair(netlink, first, second)
                _set(first, "up")
                _set(second, "up")
            _wait_until_up(first, second)

    def _lay_wire(self, wire: int, first: End, second: End) -> None:
        with netns.entered(wire), IPRoute() as netlink:
            NO_IPV6.write_text("1", encoding="ascii")
            netlink.link("add", ifname="bridge", kind="bridge", br_mcast_snooping=0)
            bridge = netlink.link_lookup(ifname="bridge")[0]
            ends = zip(PORTS, (first, second), (self.back, self.there), strict=True)
            for port, end, towards in ends:
                _add_pair(netlink, (port, wire), end)
                _set(end, "up")
                index = netlink.link_lookup(ifname=port)[0]
                shape.apply(netlink, index, towards)
                netlink.link("set", index=index, master=bridge, state="up")
            netlink.link("set", index=bridge, state="up")
        _wait_until_up(*((port, wire) for port in PORTS))

    def settle(self) -> None:
        """Wait until packets pass, unless an end is down."""
        with ExitStack() as opened:
            ends = [
                (end.name, opened.enter_context(_namespace(end.node)))
                for end in filter(None, (self.intf1, self.intf2))
            ]
            if all(_is_up(end) for end in ends):
                wire = [] if self.wire is None else [(port, self.wire) for port in PORTS]
                _wait_until_up(*ends, *wire)

    def stop(self) -> None:
        """Let go of the link when its nodes end: the interfaces go with the namespaces."""
        if self.wire is not None:
            os.close(self.wire)
            self.wire = None

    def delete(self) -> None:
        """Remove the link from nodes that go on."""
        for interface in filter(None, (self.intf1, self.intf2)):
            with interface.node.stack(), IPRoute() as netlink:
                for index in netlink.link_lookup(ifname=interface.name):
                    netlink.link("del", index=index)
        self.stop()
        self.intf1 = self.intf2 = None


def _namespace(node: Node) -> AbstractContextManager[int]:
    return netns.opened(f"/proc/{node.pid}/ns/net")


def _add_pair(netlink: IPRoute, first: End, second: End) -> None:
    """Make a veth pair, each end in its namespace."""
    ends = [
        {"ifname": name, "net_ns_fd": namespace, **ONE_SEGMENT}
        for name, namespace in (first, second)
    ]
    netlink.link("add", kind="veth", **ends[0], peer=ends[1])


def _set(end: End, state: str) -> None:
    name, namespace = end
    with netns.entered(namespace), IPRoute() as netlink:
        netlink.link("set", index=netlink.link_lookup(ifname=name)[0], state=state)


def _is_up(end: End) -> bool:
    name, namespace = end
    with netns.entered(namespace), IPRoute() as netlink:
        return bool(netlink.link("get", ifname=name)[0]["flags"] & IFF_UP)


def _wait_until_up(*ends: End) -> None:
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
    return bool(forwards and link.get("operstate") == "UP")
