"""The MPTCP options of many TCP headers (as ``lab.wire.tcp_options.split``)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lab.columns.octets import Array, Ints, Octets
from lab.columns.packets import OptionPlaces

KIND = 30
"""The TCP option kind of MPTCP (IANA; TCPOPT_MPTCP in the kernel's include/net/tcp.h)."""
EOL, NOP = 0, 1


class Found(NamedTuple):
    """Whole MPTCP options with a subtype, in the order of the packets, then of the header."""

    packet: Ints
    """The row of its packet."""
    at: Ints
    """Where its kind is."""
    length: Ints
    """With kind and length octets."""


def options(octets: Octets, places: OptionPlaces) -> Found:
    """Step over one option of every packet at a time, until all headers are at their ends.

    A header has at most 40 octets of options. What follows EOL, a length of 0 or 1, and an option
    that is longer than what is left, is no option: the kernel's tcp_parse_options() stops there.
    """
    row = np.flatnonzero(places.at < places.end)
    at, end = places.at[row], places.end[row]
    found = []
    while len(row):
        kind = octets.u1(at)
        length = np.where(kind == NOP, 1, _lengths(octets, at, end))
        whole = (kind != EOL) & (length > 0) & (at + length <= end)
        mptcp = np.flatnonzero((kind == KIND) & (length > 2) & whole)
        if len(mptcp):
            found.append(Found(row[mptcp], at[mptcp], length[mptcp]))
        following = at + length
        left = np.flatnonzero(whole & (following < end))
        row, at, end = row[left], following[left], end[left]
    return _sorted(found)


def _lengths(octets: Octets, at: Ints, end: Ints) -> Ints:
    """Return the lengths, 0 if the octet is not there or the length cannot be."""
    length = octets.u1(np.minimum(at + 1, end - 1)).astype(np.int64)
    length[(at + 1 >= end) | (length < 2)] = 0
    return length


def _sorted(found: list[Found]) -> Found:
    if not found:
        empty = np.zeros(0, np.int64)
        return Found(empty, empty, empty)
    together = [np.concatenate(columns) for columns in zip(*found, strict=True)]
    order = np.argsort(_narrow(together[0]), kind="stable")
    return Found(*(column[order] for column in together))


def _narrow(rows: Ints) -> Array:
    """Of 16-bit numbers NumPy sorts ten times as many in the same time."""
    return rows.astype(np.uint16) if rows.max() < 1 << 16 else rows
