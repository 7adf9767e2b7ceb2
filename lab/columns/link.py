"""The link layer of many frames: where the IP packets begin (as ``lab.wire.link_layer``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lab.columns.frames import Frames
from lab.columns.octets import Array, Ints, Octets, among, pick
from lab.columns.table import distinct
from lab.wire.link_layer import ETH_P_IP, ETH_P_IPV6, PACKET_OUTGOING, VLAN_TAGS

UNKNOWN = -1


class Networks(NamedTuple):
    """The packets behind the link layer: of each, the row of its frame and where it begins."""

    row: Ints
    protocol: Array
    at: Ints
    outgoing: Array
    """1 if the capturing host sent it, 0 if not, -1 if the link type does not tell."""
    interface: Array
    """Index of the interface, -1 if the link type does not tell."""


class _Kind(NamedTuple):
    header: int
    """Octets of the link layer's header; of a raw packet those that tell the version."""
    network: Callable[[Octets, Ints], tuple[Array, int, Array | int, Array | int]]
    """Protocol, length of the header, whether the host sent it, and the interface."""


def _ethernet(octets: Octets, at: Ints) -> tuple[Array, int, int, int]:
    return octets.u2(at + 12), 14, UNKNOWN, UNKNOWN


def _raw(octets: Octets, at: Ints) -> tuple[Array, int, int, int]:
    protocol = np.where(octets.u1(at) >> 4 == 6, ETH_P_IPV6, ETH_P_IP)
    return protocol, 0, UNKNOWN, UNKNOWN


SLL = np.dtype({"names": ["type", "protocol"], "formats": [">u2", ">u2"], "offsets": [0, 14]})
SLL2 = np.dtype(
    {"names": ["protocol", "interface", "type"], "formats": [">u2", ">u4", "u1"],
     "offsets": [0, 4, 10], "itemsize": 20}
)  # fmt: skip
"""LINKTYPE_LINUX_SLL and its second version, as far as it matters here."""


def _linux_sll(octets: Octets, at: Ints) -> tuple[Array, int, Array, int]:
    header = octets.headers(at, SLL)
    return header["protocol"], 16, header["type"] == PACKET_OUTGOING, UNKNOWN


def _linux_sll2(octets: Octets, at: Ints) -> tuple[Array, int, Array, Array]:
    header = octets.headers(at, SLL2)
    return header["protocol"], 20, header["type"] == PACKET_OUTGOING, header["interface"]


KINDS = {
    1: _Kind(14, _ethernet),
    12: _Kind(1, _raw),
    101: _Kind(1, _raw),
    113: _Kind(16, _linux_sll),
    276: _Kind(20, _linux_sll2),
}
"""By LINKTYPE number, the same as in ``lab.wire.link_layer.LINK_TYPES``."""


def networks(octets: Octets, frames: Frames) -> list[Networks]:
    """Find the packets of all frames whose link type is known, for each link type."""
    return [
        _networks(octets, frames, link_type)
        for link_type in distinct(frames.link_type)
        if link_type in KINDS
    ]


def _networks(octets: Octets, frames: Frames, link_type: int) -> Networks:
    kind = KINDS[link_type]
    whole = frames.end - frames.at >= kind.header
    row = np.flatnonzero(whole & (frames.link_type == link_type))
    start = pick(frames.at, row)
    protocol, header, outgoing, interface = kind.network(octets, start)
    at, protocol = start + header, protocol.astype(np.int32)
    _skip_tags(octets, protocol, at, pick(frames.end, row))
    columns = (np.broadcast_to(np.asarray(each), len(row)) for each in (outgoing, interface))
    return Networks(row, protocol, at, *columns)


def _skip_tags(octets: Octets, protocol: Array, at: Ints, end: Ints) -> None:
    """Replace the protocol and place of what is behind VLAN tags; 0 if the frame ends there."""
    tagged = np.flatnonzero(among(protocol, VLAN_TAGS))
    while len(tagged):
        cut = at[tagged] + 4 > end[tagged]
        protocol[tagged[cut]] = 0
        tagged = tagged[~cut]
        protocol[tagged] = octets.u2(at[tagged] + 2)
        at[tagged] += 4
        tagged = tagged[among(protocol[tagged], VLAN_TAGS)]
