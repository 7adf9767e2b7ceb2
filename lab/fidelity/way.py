"""One direction of a running link: sending numbered packets through it, and seeing them pass."""

from __future__ import annotations

import math
import socket
from contextlib import ExitStack
from typing import Self

from pyroute2 import IPRoute

from lab import shape
from lab.errors import InvalidRun
from lab.fidelity import figures, statistics
from lab.fidelity.budget import Budget
from lab.fidelity.probe import HEADERS, SMALLEST, Passed, Seen, ours, payload, seen
from lab.fidelity.ring import Ring
from lab.fidelity.sending import Sender
from lab.host import LabNode
from lab.model import Direction

PORT = 9
"""discard, RFC 863; here it is bound at both ends, so that nobody answers"""

AT_ONCE = 40
"""packets of a call; 65507 bytes are its limit"""

TICK = 0.001
"""seconds between two single packets"""

TRAIN = 1_000_000
"""the number of the first packet of a train"""

ENOUGH = 2.5
"""times as many packets as a rate needs at least"""


class Way:
    """A direction from one host's interface to another's. A context manager.

    ``frame`` is the size of a train's packets, None where the rate is too low for one.
    """

    def __init__(
        self, sender: LabNode, receiver: LabNode, interface: str, direction: Direction,
        budget: Budget,
    ) -> None:  # fmt: skip
        self.direction, self.budget = direction, budget
        self._sender, self._receiver, self._interface = sender, receiver, interface
        self._undo = ExitStack()
        self._sent: list[Passed] = []
        self._arrived: list[Passed] = []
        self.frame: int | None = None
        self.base = 0.0
        """nanoseconds that a packet is under way that need not wait"""
        self._trained = 0

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            with self._receiver.stack(), IPRoute() as netlink:
                hardware = netlink.link("get", ifname=self._interface)[0].get("address")
                # What nobody reads is dropped in silence; an error would go back through the link.
                sink = undo.enter_context(_udp(self._address(self._receiver)))
                sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
            with self._sender.stack(), IPRoute() as netlink:
                link = netlink.link("get", ifname=self._interface)[0]
                self.frame = _frame(self.direction, link.get("mtu") + 14, self.budget)
                netlink.neigh(
                    "replace", dst=self._address(self._receiver), lladdr=hardware,
                    ifindex=link["index"], state="permanent",
                )  # fmt: skip
                self._out = undo.enter_context(
                    Ring(self._interface, outgoing=True, room=self._room)
                )
            self._packets = undo.enter_context(Sender(self._connected))
            with self._receiver.stack():
                self._in = undo.enter_context(
                    Ring(self._interface, outgoing=False, room=self._room)
                )
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _address(self, node: LabNode) -> str:
        return str(node.addresses[self._interface][0].ip)

    def _connected(self) -> socket.socket:
        with self._sender.stack():
            out = _udp(self._address(self._sender), 0)
        out.connect((self._address(self._receiver), PORT))
        return out

    @property
    def _room(self) -> int:
        packets = self.budget.probes + (self.offered(self.duration) if self.frame else 0)
        return min(1 << 16, 1000 + 2 * packets)

    # Single packets

    @property
    def every(self) -> int:
        """Ticks from one single packet to the next.

        They take at most a third of the rate. And where the delay varies, none comes so soon that
        it could overtake another: a backend that keeps packets in order would make it wait.
        """
        pauses = [1.0, 2 * self.direction.jitter / TICK]
        if self.direction.rate is not None:
            pauses.append(3 * SMALLEST * 8 / self.direction.rate / TICK)
        return math.ceil(max(pauses))

    @property
    def probes(self) -> int:
        """How many single packets are sent."""
        return max(1, min(self.budget.probes, round(self.budget.longest / TICK / self.every)))

    def send(self, number: int) -> None:
        """Send the single packet with that number."""
        self._packets.send(payload(number, SMALLEST))

    # Trains

    @property
    def duration(self) -> float:
        """Seconds for which the link is kept busy, so that enough packets come for its rate."""
        assert self.frame and self.direction.rate  # noqa: S101, PT018 - for the type
        rate = self.direction.rate
        enough = min(self.budget.train, self.budget.most * self.frame * 8 / rate)
        return max(enough, _least(rate, self.frame))

    def offered(self, elapsed: float) -> int:
        """Packets of a train that are to be sent until so many seconds after its beginning.

        More at once than waits at most, and then a little more than leaves, so that the queue stays
        full; of a short one, which cannot stay so, much more.
        """
        rate, frame = self.direction.rate or 0, self.frame or SMALLEST
        waiting = rate / 8 * 0.02
        if self.direction.queue:
            room = figures.room(self.direction.queue, rate, frame)
            if room * 8 / rate <= self.budget.fill:
                waiting = 1.3 * room
        first = (waiting + figures.ahead(rate)) / frame + 8
        more = 3.0 if figures.hurried(rate, self.direction.queue, frame) else 1.2
        return math.ceil(first + more * rate / 8 / frame * min(elapsed, self.duration))

    def top_up(self, elapsed: float) -> bool:
        """Send what is to be sent by now; whether the train has not come to its end."""
        assert self.frame  # noqa: S101 - for the type
        size = self.frame - HEADERS
        numbers = range(self._trained, min(self.offered(elapsed), self._trained + 50 * AT_ONCE))
        for start in range(numbers.start, numbers.stop, AT_ONCE):
            some = range(start, min(start + AT_ONCE, numbers.stop))
            train = b"".join(payload(TRAIN + each, self.frame) for each in some)
            if not self._packets.send(train, size):
                break
            self._trained = some.stop
        if elapsed > 2 * self.duration:
            return False  # this machine is too slow for more
        return elapsed < self.duration or self._trained < self.offered(elapsed)

    def restart(self) -> None:
        """Forget what has been sent."""
        self._trained = 0

    # What has passed

    def look(self) -> int:
        """Take down what has passed: how many packets are new."""
        before = len(self._sent) + len(self._arrived)
        self._sent += filter(ours, self._out.read())
        self._arrived += self._in.read()
        return len(self._sent) + len(self._arrived) - before

    @property
    def complete(self) -> bool:
        """Whether all that was sent has come."""
        return len(self._arrived) >= len(self._sent)

    def take(self) -> Seen:
        """What has passed since the last time.

        :raises InvalidRun: some packets were not noted.
        """
        self.look()
        missed = self._out.dropped() + self._in.dropped()
        found = seen(self._sent, self._arrived)
        self._sent, self._arrived = [], []
        if missed:
            raise InvalidRun(f"{missed} packets passed without being noted")
        return found


def _udp(address: str, port: int = PORT) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, port))
    return sock


def _least(rate: int, frame: int) -> float:
    """Seconds in which enough frames come, one behind the other."""
    return (figures.ahead(rate) + ENOUGH * statistics.FEWEST * frame) * 8 / rate


def _frame(direction: Direction, largest: int, budget: Budget) -> int | None:
    """The largest size of which enough come in the longest time that there is."""
    if direction.rate is None:
        return None
    room = direction.rate / 8 * budget.longest - figures.ahead(direction.rate)
    size = min(largest, math.floor(room / ENOUGH / statistics.FEWEST))
    return size if size >= min(2 * SMALLEST, shape.FRAME) else None
