"""What capture formats have in common: records in a row, whose fields lie at fixed places.

A format's module follows the chain of records, which only shows where each one begins. Who wants
one packet reads its fields with ``struct``; who wants a million reads them all at once.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Buffer: TypeAlias = bytes | memoryview | mmap.mmap
"""The octets of a capture file."""

MICROSECONDS, NANOSECONDS = 10**6, 10**9
"""Units of time in a second."""

AT_ONCE = 1 << 15
"""So many records are found before the first of them is read, unless told otherwise."""


class Interface(NamedTuple):
    """Where frames were captured; a classic pcap file has one."""

    link_type: int
    """A LINKTYPE number."""
    snap_length: int
    """At most so many octets of each frame were captured; 0 is no limit."""
    per_second: int = MICROSECONDS
    """Units of time in a second."""
    begin: int = 0
    """Seconds to add to every time."""


class Layout(NamedTuple):
    """Where the fields of one kind of record lie, in octets from its beginning."""

    interface: str | None
    """``I`` or ``H`` at offset 8: the number of the interface. None: the first one."""
    time: tuple[int, int] | None
    """The two 32-bit halves of the time; None: the record has none."""
    captured: int | None
    """Octets captured; None: what the snap length leaves of ``wire``."""
    wire: int
    """Octets on the wire."""
    frame: int
    """The frame itself."""
    halves: int | None = None
    """How many units of the second half make one of the first; None: a second's."""


class Stretch(NamedTuple):
    """Records of one layout that follow each other in a file."""

    layout: Layout
    byte_order: str
    """``<`` or ``>``, as in the struct module."""
    starts: Sequence[int]
    """Where each record begins. It and its frame lie within the file."""
    interfaces: Sequence[Interface]
    """By their numbers."""
    problem: str = ""
    """Why the file cannot be read further; empty in all stretches but the last."""
    damaged: bool = False
    """Whether the problem is more than a last record that is only half written."""
