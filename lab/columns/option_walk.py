"""The MPTCP options of many TCP headers (as ``lab.wire.tcp_options.split``)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lab.columns.octets import Array, Ints, Octets, pick
from lab.columns.packets import OptionPlaces

KIND = 30
"""The TCP option kind of MPTCP (IANA; TCPOPT_MPTCP in the kernel's include/net/tcp.h)."""
EOL, NOP = 0, 1

ALIGNED_TIMESTAMPS = 0x0101080A
"""What most headers begin with: NOP, NOP, timestamps of 10 octets (RFC 7323, appendix A)."""

SHORTEST = 3
"""Octets of an option with a subtype."""


class Found(NamedTuple):
    """Whole MPTCP options with a subtype, in the order of the packets, then of the header."""

    packet: Ints
    """The row of its packet."""
    at: Ints
    """Where its kind is."""
    length: Ints
    """With kind and length octets."""


def options(octets: Octets, places: OptionPlaces) -> Found:
    """Step over one option of every packet at a time, until no header has room for another one.

    A header has at most 40 octets of options. What follows EOL, a length of 0 or 1, and an option
    that is longer than what is left, is no option: the kernel's tcp_parse_options() stops there.
    """
    at, end = _behind_timestamps(octets, places), places.end
    row = np.flatnonzero(at + SHORTEST <= end)
    at, end = pick(at, row), pick(end, row)
    found = []
    while len(row):
        both = octets.u2(at).astype(np.int64)
        kind, length = both >> 8, both & 0xFF
        length[kind == NOP] = 1
        whole = (kind != EOL) & (length > (kind != NOP)) & (at + length <= end)
        mptcp = np.flatnonzero((kind == KIND) & (length >= SHORTEST) & whole)
        if len(mptcp):
            found.append(Found(row[mptcp], at[mptcp], length[mptcp]))
        at = at + length
        left = np.flatnonzero(whole & (at + SHORTEST <= end))
        row, at, end = row[left], at[left], end[left]
    return _sorted(found)


def _behind_timestamps(octets: Octets, places: OptionPlaces) -> Ints:
    """Return where the options begin, or what is behind the timestamps that they begin with."""
    at = places.at.copy()
    row = np.flatnonzero(at + 12 <= places.end)
    at[row[octets.u4(at[row]) == ALIGNED_TIMESTAMPS]] += 12
    return at


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
