"""Where the IP packet begins in a captured frame, for the link types that a lab meets.

Numbers are libpcap's LINKTYPE values (https://www.tcpdump.org/linktypes.html).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
VLAN_TAGS = (0x8100, 0x88A8)
"""ETH_P_8021Q and ETH_P_8021AD (include/uapi/linux/if_ether.h)."""
PACKET_OUTGOING = 4
"""The packet type of what the host itself sends (include/uapi/linux/if_packet.h)."""


class Network(NamedTuple):
    """What the link layer tells of the packet that it carries."""

    protocol: int
    """An EtherType: ETH_P_IP, ETH_P_IPV6 or another."""
    offset: int
    """Where the packet begins in the frame."""
    outgoing: bool | None
    """Whether this host sent the frame; None if the link layer does not tell."""
    interface: int | None = None
    """The index of the interface that it crossed; None if the link layer does not tell."""


def _ethernet(frame: bytes) -> Network:
    (protocol,) = struct.unpack_from("!H", frame, 12)
    return Network(protocol, 14, None)


def _raw(frame: bytes) -> Network:
    """No link layer at all: the version tells the protocol."""
    return Network(ETH_P_IPV6 if frame[0] >> 4 == 6 else ETH_P_IP, 0, None)


def _linux_sll(frame: bytes) -> Network:
    packet_type, protocol = struct.unpack_from("!H12xH", frame)
    return Network(protocol, 16, packet_type == PACKET_OUTGOING)


def _linux_sll2(frame: bytes) -> Network:
    protocol, interface, packet_type = struct.unpack_from("!H2xI2xB", frame)
    return Network(protocol, 20, packet_type == PACKET_OUTGOING, interface)


LINK_TYPES: dict[int, Callable[[bytes], Network]] = {
    1: _ethernet,  # LINKTYPE_ETHERNET
    12: _raw,  # DLT_RAW, which some tools write instead of 101
    101: _raw,  # LINKTYPE_RAW
    113: _linux_sll,  # LINKTYPE_LINUX_SLL
    276: _linux_sll2,  # LINKTYPE_LINUX_SLL2, what tcpdump writes for "any"
}


def network(frame: bytes, link_type: int) -> Network:
    """Find the packet in a frame, behind VLAN tags too.

    Raises struct.error or IndexError if the frame is too short, KeyError if ``link_type`` is not
    in ``LINK_TYPES``.
    """
    found = LINK_TYPES[link_type](frame)
    while found.protocol in VLAN_TAGS:
        (protocol,) = struct.unpack_from("!H", frame, found.offset + 2)
        found = found._replace(protocol=protocol, offset=found.offset + 4)
    return found
