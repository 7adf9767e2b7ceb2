"""Links between nodes: a veth pair, or two with a wire between them where something is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from mininet.link import Intf, Link
from mininet.node import Node
from pyroute2 import IPRoute

from lab.cable import PORTS, Cable
from lab.errors import InvalidRun, UsageError
from lab.hop import Course, Directions, Hop
from lab.interfaces import (
    End,
    add_pair,
    complete_checksums,
    is_up,
    set_mtu,
    set_state,
    wait_until_up,
)
from lab.model import Direction

Way = Literal["there", "back"]

WAYS: tuple[Way, Way] = ("there", "back")
"""The directions of a link: from the first end to the second, and the other one."""


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
        set_state((self.name, self.node.namespace), state)
        if state == "up":
            self.node.restore_routes(self.name)
            self.link.settle()


class LabLink(Link):  # type: ignore[misc]
    """A link as its two directions declare it.

    ``hops`` is what its wire passes packets through; a link with a wire and no hop has a rate.
    ``mtu`` is that of both interfaces, in octets; None leaves it as it comes.
    Unless it is to ``wait``, somebody calls :func:`wait_for` before packets are sent.
    """

    def __init__(
        self,
        node1: Node,
        node2: Node,
        *,
        there: Direction,
        back: Direction,
        hops: Sequence[Hop] = (),
        title: str = "",
        mtu: int | None = None,
        wait: bool = True,
        **params: Any,
    ) -> None:
        self._wait = wait
        self.there, self.back, self._hops = there, back, hops
        self.title, self._mtu = title, mtu
        self.cable: Cable | None = None
        self.intf1: LabIntf | None
        self.intf2: LabIntf | None
        super().__init__(node1, node2, **{**params, "intf": LabIntf})

    def makeIntfPair(  # type: ignore[no-untyped-def]  # Mininet's names
        self, intfname1, intfname2, _addr1=None, _addr2=None, node1=None, node2=None, **_
    ) -> None:
        """Make both interfaces, each in the namespace of its node."""
        first, second = (intfname1, node1.namespace), (intfname2, node2.namespace)
        if self._hops or Direction() != self.there or Direction() != self.back:
            self.cable = Cable(first, second, self.there, self.back, self._hops)
        else:
            add_pair(first, second)
        for node, before in zip((node1, node2), self._before(first, second), strict=True):
            if node.whole_checksums:
                complete_checksums(before)
        if self._mtu:
            set_mtu(first, self._mtu)
            set_mtu(second, self._mtu)
        if self._wait:
            wait_until_up(first, second)

    def _before(self, first: End, second: End) -> Sequence[End]:
        """The interfaces from which packets come to the first and to the second end."""
        if self.cable:
            return [(port, self.cable.namespace) for port in PORTS]
        return [second, first]

    def settle(self) -> None:
        """Wait until packets pass, unless an end is down."""
        ends = self.interfaces()
        if all(is_up(end) for end in ends):
            wait_until_up(*ends)
            if self.cable:
                self.cable.wait_until_up()

    def interfaces(self) -> list[End]:
        """Its ends at the nodes."""
        return [(end.name, end.node.namespace) for end in filter(None, (self.intf1, self.intf2))]

    def trouble(self) -> str | None:
        """Why it does not do any more what it declares; None while all is well."""
        reason = self.cable and self.cable.trouble()
        return f"link '{self.title}': {reason}" if reason else None

    def reshape(self, *ways: Way, **changes: Any) -> None:
        """Have one direction, or both if none is named, do something else from now on.

        ``changes`` are fields of :class:`~lab.model.Direction`. No packet is lost or overtakes
        another for the change.

        :raises UsageError: the link has no part that could do it.
        :raises Unsupported: its backend cannot do it.
        :raises InvalidRun: what emulates the link has died.
        """
        cable = self._wire()
        now = changed((self.there, self.back), ways, changes)
        self.check([now])
        cable.change(*now)
        self.there, self.back = now

    def check(self, course: Course) -> None:
        """See that it can be reshaped so, each after the other; nothing is done.

        :raises UsageError: the link has no part that could do it, or it contradicts itself.
        :raises Unsupported: its backend cannot do it.
        """
        self._wire().check(self.title, course)

    def block(self, *ways: Way) -> None:
        """Lose every packet of one direction, or of both, while all interfaces stay up.

        :raises UsageError: the link has no wire.
        """
        for way in ways or WAYS:
            self._wire().let_through(WAYS.index(way), False)

    def unblock(self, *ways: Way) -> None:
        """Let packets pass again in one direction, or in both.

        :raises UsageError: the link has no wire.
        """
        for way in ways or WAYS:
            self._wire().let_through(WAYS.index(way), True)

    def _wire(self) -> Cable:
        if self.cable is None:
            raise UsageError(
                f"link '{self.title}' declares nothing, so that it is a bare pair of interfaces "
                "which cannot be changed: give it a rate or a delay in the topology"
            )
        reason = self.trouble()
        if reason:
            raise InvalidRun(reason)
        return self.cable

    def stop(self) -> None:
        """Let go of the link when its nodes end: the interfaces go with the namespaces."""
        if self.cable:
            self.cable.stop()
            self.cable = None

    def delete(self) -> None:
        """Remove the link from nodes that go on."""
        for interface in filter(None, (self.intf1, self.intf2)):
            with interface.node.stack(), IPRoute() as netlink:
                for index in netlink.link_lookup(ifname=interface.name):
                    netlink.link("del", index=index)
        self.stop()
        self.intf1 = self.intf2 = None


def changed(before: Directions, ways: Sequence[Way], changes: Mapping[str, Any]) -> Directions:
    """What a link does when these directions, or both if none is named, are changed so."""
    there, back = (
        replace(direction, **changes) if way in (ways or WAYS) else direction
        for way, direction in zip(WAYS, before, strict=True)
    )
    return there, back


def wait_for(links: Iterable[LabLink]) -> None:
    """Return when packets pass the ends of all links.

    :raises Unsupported: they do not.
    """
    wait_until_up(*(end for link in links for end in link.interfaces()))
