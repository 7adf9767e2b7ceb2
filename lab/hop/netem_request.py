"""Making or changing a netem, with options as they are: pyroute2 knows but some of them."""

from __future__ import annotations

import os
import socket
import struct

from lab.rtnetlink.channel import CREATE, EXCLUSIVE, Channel, Refused, Request, attribute

RTM_NEWQDISC = 36
TC_H_ROOT = 0xFFFFFFFF
TCA_KIND, TCA_OPTIONS = 1, 2
"""<linux/rtnetlink.h>, <linux/pkt_sched.h>"""

NEW = EXCLUSIVE | CREATE

TCMSG = struct.Struct("=BxxxiIII")
"""``struct tcmsg``: family, interface, handle, parent, info"""


def put(index: int, options: bytes, flags: int = NEW) -> None:
    """Make (``NEW``) or change (0) the netem of an interface of the present network namespace.

    ``options`` are the content of TCA_OPTIONS.

    :raises OSError: the kernel refuses; ENOENT if it has no netem.
    """
    body = TCMSG.pack(socket.AF_UNSPEC, index, 0, TC_H_ROOT, 0)
    body += attribute(TCA_KIND, "netem") + attribute(TCA_OPTIONS, options)
    try:
        with Channel() as kernel:
            kernel.carry_out([Request("netem", RTM_NEWQDISC, flags, body)])
    except Refused as refused:
        raise OSError(refused.errno, os.strerror(refused.errno)) from refused
