"""On which processor interfaces receive: all of them on one, so that packets stay in their order.

A veth interface hands a packet to the processor that sends it (veth_xmit(), drivers/net/veth.c;
netif_rx(), net/core/dev.c), where it waits in a backlog. A sender that moves from one processor to
another leaves packets in two backlogs, and the later one may be taken first. Receive packet
steering to one processor means one backlog. Interfaces take ``net.core.rps_default_mask`` of their
namespace when they are made (Linux 6.3, "net: make default_rps_mask a per netns attribute"); the
owner of the namespace may write it, also in a user namespace, where single interfaces refuse that
(store_rps_map(), net/core/net-sysfs.c).
"""

from __future__ import annotations

import errno
from functools import cache
from pathlib import Path

MASK = Path("/proc/sys/net/core/rps_default_mask")

_STAT = Path("/proc/thread-self/stat")
_PROCESSOR = 39 - 3
"""Where it has the processor, proc_pid_stat(5), among the fields after the name."""


def in_order() -> None:
    """Interfaces that are made in the present namespace from now on receive on one processor.

    It is the same for every namespace: a packet that changed it at each hop would take 100 µs more
    for three of them. A kernel without the setting, or a processor that is kept from such work,
    leaves all as it is; the manifest of a run has what holds.
    """
    try:
        MASK.write_text(mask(_processor()), encoding="ascii")
    except OSError as problem:
        if problem.errno not in (errno.ENOENT, errno.EINVAL):
            raise


def mask(processor: int) -> str:
    """The set that has one processor, as the kernel reads it: 32 in a group, the highest first."""
    groups, bit = divmod(processor, 32)
    return ",".join([f"{1 << bit:x}", *["00000000"] * groups])


@cache
def _processor() -> int:
    """Where this process ran when it was first asked: its sandbox then has that, others theirs."""
    return int(_STAT.read_text(encoding="utf-8").rpartition(")")[2].split()[_PROCESSOR])
