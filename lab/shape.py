"""Making one direction of a link as slow as it was declared, and its queue as long.

It happens on a wire in the middle of the link, never on the sending host: there TCP would see
the queue of its own interface (TCP small queues) and not that of a network.
"""

from __future__ import annotations

import math

from pyroute2 import IPRoute

from lab.errors import Unsupported, UsageError
from lab.model import Direction
from lab.units import Queue, rate_text

DEFAULT_QUEUE = Queue(packets=100)
"""What waits before a rate when the file says nothing."""

FRAME = 1514
"""bytes of the largest Ethernet frame, without its checksum."""

BURST_TIME = 0.001
"""seconds that a token bucket may send ahead: a timer of the kernel is about as exact."""


LARGEST = 2**32 - 1
"""of the numbers in ``struct tc_tbf_qopt`` and ``struct tc_ratespec``, <linux/pkt_sched.h>"""

LONGEST_BURST = LARGEST * 1e-9
"""seconds; tbf_change() in net/sched/sch_tbf.c cuts a longer one short, and where that leaves less
than a frame, none ever passes"""


def check(link: str, direction: Direction) -> None:
    """See that ``direction`` has a rate and a queue that can be made as declared.

    :raises Unsupported: it asks for what a shaper cannot do.
    """
    if direction.rate is not None:
        _check_room(link, direction.rate, _queue(direction))
        _check_countable(link, direction.rate, token_bucket(direction.rate, _queue(direction)))


def _check_room(link: str, rate: int, queue: Queue) -> None:
    room = _bytes(rate, queue)
    if room < FRAME:
        raise Unsupported(
            f"link '{link}' declares a queue of {queue}, which at {rate_text(rate)} holds {room} "
            f"bytes: every frame passes through it, and of the largest, {FRAME} bytes, none ever "
            "would: declare a larger queue"
        )


def _check_countable(link: str, rate: int, bucket: dict[str, int]) -> None:
    if bucket["burst"] > bucket["rate"] * LONGEST_BURST:
        least = rate_text(8 * math.ceil(2 * FRAME / LONGEST_BURST))
        raise Unsupported(
            f"link '{link}' declares {rate_text(rate)}, for which its shaper (TBF) would have to "
            f"count a longer time than it can ({LONGEST_BURST:.3g} s): {least} is the slowest"
        )
    for name, value in bucket.items():
        if not 1 <= value <= LARGEST:
            raise Unsupported(
                f"link '{link}' declares {rate_text(rate)}, and for that its shaper (TBF) would "
                f"need a {name} of {value:.3g}, which is more than it can count ({LARGEST:.3g}): "
                "choose another rate or queue"
            )


def _queue(direction: Direction) -> Queue:
    return direction.queue or DEFAULT_QUEUE


def apply(netlink: IPRoute, index: int, direction: Direction) -> None:
    """Shape what leaves interface ``index`` as ``direction`` declares."""
    if direction.rate is None:
        return
    queue = _queue(direction)
    netlink.tc("add", "tbf", index, 0x10000, **token_bucket(direction.rate, queue))
    if queue.packets:
        netlink.tc("add", "pfifo", index, 0x20000, parent=0x10001, limit=queue.packets)


def change(netlink: IPRoute, index: int, before: Direction, now: Direction) -> None:
    """Shape what leaves interface ``index`` as ``now`` declares; what waits there goes on."""
    if now.rate is None or (before.rate, before.queue) == (now.rate, now.queue):
        return
    queue = _queue(now)
    bucket = token_bucket(now.rate, queue)
    if queue.packets:
        # tbf_change() gives its limit to the queue inside it, which counts packets here.
        bucket["limit"] = queue.packets
    netlink.tc("change", "tbf", index, 0x10000, **bucket)


def require_alike(before: Direction, now: Direction) -> None:
    """See that ``now`` needs no other shaper than ``before``: one that is put in loses packets.

    :raises UsageError: it does.
    """
    if (before.rate is None) != (now.rate is None):
        raise UsageError(
            "a rate can be changed where one is declared, and neither begin nor end: "
            "packets would be lost"
        )
    if now.rate is not None and _kind(_queue(before)) != _kind(_queue(now)):
        raise UsageError(
            f"a queue of {_queue(before)} cannot become one of {_queue(now)}: packets would be "
            f"lost. Keep to {_kind(_queue(before))}"
        )


def _kind(queue: Queue) -> str:
    return "packets" if queue.packets else "bytes or milliseconds"


def token_bucket(rate: int, queue: Queue) -> dict[str, int]:
    """The parameters of a TBF qdisc: bytes per second, bytes, bytes.

    The kernel's ``limit`` is the room of the queue alone (tbf_change() in net/sched/sch_tbf.c makes
    a bfifo of it); tc(8) adds the burst to a declared latency, since a burst does not wait.
    """
    burst = max(2 * FRAME, round(rate / 8 * BURST_TIME))
    return {"rate": rate // 8, "burst": burst, "limit": _bytes(rate, queue)}


def _bytes(rate: int, queue: Queue) -> int:
    """How many bytes may wait; a queue of packets gets a qdisc of its own in the bucket."""
    if queue.seconds is not None:
        return round(rate / 8 * queue.seconds)
    return queue.bytes or FRAME
