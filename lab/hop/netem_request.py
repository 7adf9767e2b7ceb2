"""Making or changing a netem, with options as they are: pyroute2 knows but some of them."""

from __future__ import annotations

import os
import socket
import struct

RTM_NEWQDISC = 36
TC_H_ROOT = 0xFFFFFFFF
TCA_KIND, TCA_OPTIONS = 1, 2
"""<linux/rtnetlink.h>, <linux/pkt_sched.h>"""

NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x400
"""<linux/netlink.h>"""

NEW = NLM_F_EXCL | NLM_F_CREATE

KIND = b"netem\0"

NLMSGHDR = "=IHHII"
"""``struct nlmsghdr``: length, type, flags, sequence, port"""

TCMSG = "=BxxxiIII"
"""``struct tcmsg``: family, interface, handle, parent, info"""


def put(index: int, options: bytes, flags: int = NEW) -> None:
    """Make (``NEW``) or change (0) the netem of an interface of the present network namespace.

    ``options`` are the content of TCA_OPTIONS.

    :raises OSError: the kernel refuses; ENOENT if it has no netem.
    """
    body = struct.pack(TCMSG, socket.AF_UNSPEC, index, 0, TC_H_ROOT, 0)
    for kind, content in ((TCA_KIND, KIND), (TCA_OPTIONS, options)):
        body += struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)
    length = struct.calcsize(NLMSGHDR) + len(body)
    flags |= NLM_F_REQUEST | NLM_F_ACK
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(struct.pack(NLMSGHDR, length, RTM_NEWQDISC, flags, 1, 0) + body)
        answer = kernel.recv(65536)
    (status,) = struct.unpack_from("=i", answer, struct.calcsize(NLMSGHDR))  # struct nlmsgerr
    if status:
        raise OSError(-status, os.strerror(-status))
