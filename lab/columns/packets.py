"""TCP segments of many frames (as ``lab.wire.segment``): one row each."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lab.columns.frames import Frames
from lab.columns.link import Networks, networks
from lab.columns.octets import Array, Bools, Ints, Octets, among, pick
from lab.columns.table import Table
from lab.wire.ipv6 import EXTENSION_HEADERS
from lab.wire.link_layer import ETH_P_IP, ETH_P_IPV6

MAPPED = np.uint64(0xFFFF << 32)
"""The upper part of the lower half of an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2)."""


NO_HEADER = 59
"""What follows cannot be TCP (RFC 8200, section 4.7)."""


@dataclass(frozen=True, eq=False)
class Packets(Table):
    """Frames that hold at least the first 20 octets of a TCP header."""

    number: Ints
    """Packet number in the file, 1 for the first, as in Wireshark."""
    time: Ints
    """Nanoseconds since the epoch."""
    outgoing: npt.NDArray[np.int8]
    """1 if the capturing host sent it, 0 if not, -1 if the link type does not tell."""
    interface: Ints
    """Index of the interface at the capturing host, -1 if the link type does not tell."""
    family: npt.NDArray[np.uint8]
    """4 or 6."""
    source: npt.NDArray[np.uint64]
    """Addresses as two halves, the upper first; IPv4 as IPv4-mapped IPv6."""
    destination: npt.NDArray[np.uint64]
    source_port: npt.NDArray[np.uint16]
    destination_port: npt.NDArray[np.uint16]
    seq: npt.NDArray[np.uint32]
    """Sequence number, absolute."""
    ack: npt.NDArray[np.uint32]
    """Acknowledgment number, absolute; of no meaning without the flag ACK."""
    flags: npt.NDArray[np.uint16]
    """The 12 bits behind the data offset (RFC 9293, section 3.1)."""
    window: npt.NDArray[np.uint16]
    """The window field, not scaled."""
    payload: npt.NDArray[np.uint32]
    """TCP payload in octets, by the length in the IP header: on the wire, captured or not."""


class OptionPlaces(NamedTuple):
    """Where the options of the packets lie, as far as they were captured."""

    at: Ints
    end: Ints


IPV4 = np.dtype(
    [("version_ihl", "u1"), ("tos", "u1"), ("length", ">u2"), ("id", ">u2"), ("fragment", ">u2"),
     ("ttl", "u1"), ("protocol", "u1"), ("checksum", ">u2"),
     ("source", ">u4"), ("destination", ">u4")]
)  # fmt: skip
"""RFC 791, section 3.1."""

IPV6 = np.dtype(
    [("version", "u1"), ("flow", "u1", 3), ("length", ">u2"), ("protocol", "u1"), ("hops", "u1"),
     ("source", ">u8", 2), ("destination", ">u8", 2)]
)  # fmt: skip
"""RFC 8200, section 3."""

TCP = np.dtype(
    [("source_port", ">u2"), ("destination_port", ">u2"), ("seq", ">u4"), ("ack", ">u4"),
     ("flags", ">u2"), ("window", ">u2"), ("checksum", ">u2"), ("urgent", ">u2")]
)  # fmt: skip
"""RFC 9293, section 3.1; the data offset is in the upper bits of ``flags``."""


class _Segments(NamedTuple):
    """IP packets that carry the beginning of a TCP segment."""

    family: int
    row: Ints
    """Into the networks."""
    source: Array
    """Addresses as in ``Packets``."""
    destination: Array
    tcp: Ints
    """Where the TCP header begins."""
    length: Ints
    """Length of the TCP header and its payload, by the IP header."""

    def where(self, condition: Bools) -> _Segments:
        """Return some of them."""
        rows = np.flatnonzero(condition)
        return _Segments(self.family, *(pick(column, rows) for column in self[1:]))


def packets(octets: Octets, frames: Frames) -> tuple[Packets, OptionPlaces]:
    """Decode the TCP headers, in the order of the frames."""
    parts = []
    for network in networks(octets, frames):
        end = frames.end[network.row]
        found = (_ipv4(octets, network, end), _ipv6(octets, network, end))
        parts += [_packets(octets, frames, network, segments) for segments in found]
    if not parts:
        parts = [_none(octets, frames)]
    table = Packets.joined([part[0] for part in parts])
    places = OptionPlaces(*(np.concatenate([part[1][i] for part in parts]) for i in (0, 1)))
    if (np.diff(table.number) > 0).all():
        return table, places
    order = np.argsort(table.number)
    return table.take(order), OptionPlaces(places.at[order], places.end[order])


def _ipv4(octets: Octets, network: Networks, end: Ints) -> _Segments:
    row = np.flatnonzero((network.protocol == ETH_P_IP) & (network.at + 20 <= end))
    ip = octets.headers(pick(network.at, row), IPV4)
    first, not_later = ip["version_ihl"], ip["fragment"] & 0x1FFF == 0
    carries = ip["protocol"] == socket.IPPROTO_TCP
    good = np.flatnonzero((first >= 0x45) & (first <= 0x4F) & carries & not_later)
    row, ip = pick(row, good), pick(ip, good)
    header = 4 * (ip["version_ihl"] & 0x0F).astype(np.int64)
    source, destination = mapped(ip["source"]), mapped(ip["destination"])
    tcp = pick(network.at, row) + header
    return _Segments(4, row, source, destination, tcp, ip["length"] - header)


def mapped(address: Array) -> npt.NDArray[np.uint64]:
    """Return IPv4 addresses as the halves of IPv4-mapped ones."""
    halves = np.zeros((len(address), 2), np.uint64)
    halves[:, 1] = address | MAPPED
    return halves


def _ipv6(octets: Octets, network: Networks, end: Ints) -> _Segments:
    row = np.flatnonzero((network.protocol == ETH_P_IPV6) & (network.at + 40 <= end))
    ip = octets.headers(network.at[row], IPV6)
    at, protocol = network.at[row] + 40, ip["protocol"].copy()
    protocol[ip["version"] >> 4 != 6] = NO_HEADER
    stop = at + ip["length"]
    active = np.flatnonzero(among(protocol, EXTENSION_HEADERS))
    while len(active):
        _skip_extensions(octets, protocol, at, active, end[row])
        active = active[among(protocol[active], EXTENSION_HEADERS)]
    source, destination = (ip[field].astype(np.uint64) for field in ("source", "destination"))
    segments = _Segments(6, row, source, destination, at, stop - at)
    return segments.where(protocol == socket.IPPROTO_TCP)


def _skip_extensions(octets: Octets, protocol: Array, at: Ints, active: Ints, end: Ints) -> None:
    """Step over one extension header each, if it is there and no later fragment follows."""
    cut = at[active] + 4 > end[active]
    protocol[active[cut]] = NO_HEADER
    active = active[~cut]
    place, kind = at[active], protocol[active]
    units = octets.u1(place + 1).astype(np.int64)
    fragment = kind == socket.IPPROTO_FRAGMENT
    later = fragment & (octets.u2(place + 2) & 0xFFF8 != 0)
    length = np.where(kind == socket.IPPROTO_AH, 4 * (units + 2), 8 * (units + 1))
    at[active] += np.where(fragment, 8, length)
    protocol[active] = np.where(later, NO_HEADER, octets.u1(place))


def _packets(
    octets: Octets, frames: Frames, network: Networks, segments: _Segments
) -> tuple[Packets, OptionPlaces]:
    end = pick(frames.end, pick(network.row, segments.row))
    segments = segments.where(segments.tcp + TCP.itemsize <= end)
    tcp = octets.headers(segments.tcp, TCP)
    header = (tcp["flags"] >> 12).astype(np.int64) * 4
    good = (header >= TCP.itemsize) & (header <= segments.length)
    rows = np.flatnonzero(good)
    segments, tcp, header = segments.where(good), pick(tcp, rows), pick(header, rows)
    row = pick(network.row, segments.row)
    table = Packets(
        number=pick(frames.number, row),
        time=pick(frames.time, row),
        outgoing=pick(network.outgoing, segments.row).astype(np.int8),
        interface=pick(network.interface, segments.row).astype(np.int64),
        family=np.full(len(row), segments.family, np.uint8),
        source=segments.source,
        destination=segments.destination,
        source_port=tcp["source_port"].astype(np.uint16),
        destination_port=tcp["destination_port"].astype(np.uint16),
        seq=tcp["seq"].astype(np.uint32),
        ack=tcp["ack"].astype(np.uint32),
        flags=(tcp["flags"] & 0x0FFF).astype(np.uint16),
        window=tcp["window"].astype(np.uint16),
        payload=(segments.length - header).astype(np.uint32),
    )
    end = np.minimum(segments.tcp + header, pick(frames.end, row))
    return table, OptionPlaces(segments.tcp + TCP.itemsize, end)


def _none(octets: Octets, frames: Frames) -> tuple[Packets, OptionPlaces]:
    empty = np.zeros(0, np.int64)
    halves = np.zeros((0, 2), np.uint64)
    segments = _Segments(4, empty, halves, halves, empty, empty)
    return _packets(octets, frames, Networks(empty, empty, empty, empty, empty), segments)
