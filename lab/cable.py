"""The wire of a link that is more than two interfaces: a row of hops in a namespace of its own.

::

    first | bridge0 | left0 ~ right0 | bridge1 | left1 ~ right1 | bridge2 | second

``first`` and ``second`` lead to the two ends of the link. What happens to packets happens between
``left`` and ``right`` of a hop. A rate sits where its direction enters the first hop, and before
the end of the link if there is none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from pyroute2 import IPRoute

from lab import netns, shape
from lab.errors import InvalidRun, UsageError
from lab.hop import Changeable, Course, Hop
from lab.hop.pair import Pair
from lab.interfaces import End, add_pair, index_of, send_nothing_unasked, wait_until_up
from lab.model import Direction
from lab.model.fitting import misfits

PORTS = ("first", "second")
"""The interfaces of a wire towards the ends of its link."""

HUB = {"learning": 0}
"""A cable knows no addresses: what enters a bridge at one side leaves it at the other."""

OPEN = {"unicast_flood": 1, "mcast_flood": 1, "bcast_flood": 1}
CLOSED = dict.fromkeys(OPEN, 0)
"""Whether a bridge sends anything out of a port, when it has learnt no address there."""


class Cable:
    """A wire between two interfaces, which it makes too.

    :raises Unsupported: a hop cannot be made here.
    :raises InvalidRun: a hop broke meanwhile.
    """

    def __init__(
        self, first: End, second: End, there: Direction, back: Direction, hops: Sequence[Hop]
    ) -> None:
        self.there, self.back = there, back
        self.hops = _with_room_for_rates(hops, there, back)
        self.namespace = netns.create()
        try:
            with explained_by(self.trouble):
                with netns.entered(self.namespace), IPRoute() as netlink:
                    self._lay(netlink, first, second)
                self.wait_until_up()
        except BaseException:
            self.stop()
            raise

    def _lay(self, netlink: IPRoute, first: End, second: End) -> None:
        send_nothing_unasked()
        for port, end in zip(PORTS, (first, second), strict=True):
            add_pair((port, self.namespace), end)
        for number, hop in enumerate(self.hops):
            hop.make(netlink, f"left{number}", f"right{number}")
        for direction, place in ((self.there, self._entrance(0)), (self.back, self._entrance(1))):
            shape.apply(netlink, index_of(netlink, place), direction)
        ports = self._ports()
        for number, (one, other) in enumerate(zip(ports[::2], ports[1::2], strict=True)):
            _bridge(netlink, f"bridge{number}", one, other)

    def _ports(self) -> list[str]:
        """All interfaces in the order of the direction there; each two are on one bridge."""
        inner = [
            f"{side}{number}" for number in range(len(self.hops)) for side in ("left", "right")
        ]
        return [PORTS[0], *inner, PORTS[1]]

    def _entrance(self, way: int) -> str:
        """Where the rate of the direction there (0) or back (1) sits."""
        if not self.hops:
            return PORTS[1 - way]
        return "left0" if way == 0 else f"right{len(self.hops) - 1}"

    def wait_until_up(self) -> None:
        """Return when packets pass through all of it."""
        wait_until_up(*((port, self.namespace) for port in self._ports()))

    def trouble(self) -> str | None:
        """Why packets do not pass any more as they should; None while all is well."""
        return next(filter(None, (hop.trouble() for hop in self.hops)), None)

    def check(self, link: str, course: Course) -> None:
        """See that it can do what the link of that name is to do, each after the other.

        :raises UsageError: it has no part that could, or that contradicts itself.
        :raises Unsupported: its parts cannot.
        """
        before = self.there, self.back
        for now in course:
            for way in (0, 1):
                self._require_parts(link, before[way], now[way])
            before = now
        for hop in self._emulating:
            hop.check(link, course)

    def _require_parts(self, link: str, before: Direction, now: Direction) -> None:
        shape.require_alike(before, now)
        if now.middlebox != before.middlebox:
            raise UsageError("middleboxes remember flows, so that they cannot be exchanged")
        if not self._emulating and replace(now, rate=before.rate, queue=before.queue) != before:
            raise UsageError(
                "it declares a rate and no impairment, so that nothing here could emulate one: "
                "declare one in the topology, be it small"
            )
        for misfit in misfits(now):
            raise UsageError(misfit)
        shape.check(link, now)

    @property
    def _emulating(self) -> list[Changeable]:
        return [hop for hop in self.hops if isinstance(hop, Changeable)]

    def change(self, there: Direction, back: Direction) -> None:
        """From now on do this to packets; none is lost or overtakes another for the change."""
        with netns.entered(self.namespace), IPRoute() as netlink:
            for hop in self._emulating:
                hop.change(there, back)
            for way, (before, now) in enumerate(((self.there, there), (self.back, back))):
                shape.change(netlink, index_of(netlink, self._entrance(way)), before, now)
        self.there, self.back = there, back

    def let_through(self, way: int, passes: bool) -> None:
        """Whether anything comes out of the direction there (0) or back (1).

        The carriers stay: nobody at the ends can see it but by the silence.
        """
        with netns.entered(self.namespace), IPRoute() as netlink:
            port = index_of(netlink, PORTS[1 - way])
            netlink.brport("set", index=port, **(OPEN if passes else CLOSED))

    def stop(self) -> None:
        """End all of it. The interfaces go with the last process in the namespace."""
        for hop in self.hops:
            hop.stop()
        if self.namespace >= 0:
            os.close(self.namespace)
            self.namespace = -1


@contextmanager
def explained_by(trouble: Callable[[], str | None]) -> Iterator[None]:
    """Let a hop that broke stand for whatever failed, since that came of it.

    :raises InvalidRun: there is such trouble.
    """
    try:
        yield
    except Exception as failure:
        reason = trouble()
        if reason:
            raise InvalidRun(reason) from failure
        raise


def _bridge(netlink: IPRoute, name: str, *ports: str) -> None:
    netlink.link("add", ifname=name, kind="bridge", br_mcast_snooping=0)
    bridge = index_of(netlink, name)
    for port in ports:
        index = index_of(netlink, port)
        netlink.link("set", index=index, master=bridge, state="up")
        netlink.brport("set", index=index, **HUB)
    netlink.link("set", index=bridge, state="up")


def _with_room_for_rates(hops: Sequence[Hop], there: Direction, back: Direction) -> tuple[Hop, ...]:
    """Put a pair where a rate would meet another queueing discipline."""
    before = [Pair()] if hops and there.rate is not None and hops[0].shapes else []
    behind = [Pair()] if hops and back.rate is not None and hops[-1].shapes else []
    return (*before, *hops, *behind)
