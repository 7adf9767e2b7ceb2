"""Whether a host takes a packet that comes to it: its check of sources, and forwarding."""

from __future__ import annotations

from errno import EINVAL, EXDEV

from lab import settings
from lab.doctor.finding import Finding
from lab.doctor.packet import Packet

CHECKED_SOURCE = (EINVAL, EXDEV)
"""What the kernel answers where it would drop a packet because of its source."""


def forwards(packet: Packet) -> bool:
    """Whether the calling thread's network namespace forwards packets of this family."""
    name = "net.ipv4.ip_forward" if packet.source.version == 4 else "net.ipv6.conf.all.forwarding"
    return settings.read(name) == "1"


def no_forwarding(host: str, packet: Packet) -> Finding:
    """That a router is none."""
    version = packet.source.version
    name = "net.ipv4.ip_forward" if version == 4 else "net.ipv6.conf.all.forwarding"
    what = f"it does not forward IPv{version}, so that {packet} ends here"
    return Finding("forwarding", host, what, "let it forward", (("sysctl", "-w", f"{name}=1"),))


def filtered(host: str, packet: Packet, arriving: str) -> Finding | None:
    """What rp_filter drops; None if it is not the reason.

    The larger of two values holds: Documentation/networking/ip-sysctl.rst, rp_filter.
    """
    names = [f"net.ipv4.conf.{each}.rp_filter" for each in ("all", arriving.replace(".", "/"))]
    values = [settings.read(name) for name in names]
    if packet.source.version == 6 or "1" not in values or "2" in values:
        return None
    what = (
        f"rp_filter drops {packet}: answers to {packet.source} would not leave by {arriving}, by "
        "which it comes"
    )
    command = ("sysctl", "-w", f"{names[1]}=2")
    return Finding("rp_filter", host, what, "accept it if any route leads back", (command,))
