"""A box that rewrites sequence numbers, as firewalls do that find those of hosts predictable."""

from __future__ import annotations

import hashlib
import struct

from lab.middlebox.box import Box, Flows, Outcome
from lab.middlebox.options import SPACE, map_sack
from lab.middlebox.segment import ACK, SYN, Segment


class Sequence(Box):
    """Each flow's numbers are moved by an offset, from its SYN on; acknowledgments are moved back.

    ``offset`` is the same for all flows, or None: then it is a hash of addresses, ports and the
    initial sequence number, so that a SYN that is sent again is moved as before (RFC 6528 section
    3 makes initial sequence numbers so). With ``sack`` False, SACK blocks keep the numbers of the
    other side: known boxes forget them.
    """

    def __init__(self, *, offset: int | None = None, sack: bool = True) -> None:
        self._offset, self._sack = offset, sack
        self._flows = Flows(0)

    def along(self, segment: Segment, now: float) -> Outcome:
        """Move its sequence number."""
        offset = self._flows.of(segment)
        if segment.flags & SYN:
            offset = _hash(segment) if self._offset is None else self._offset
            self._flows.keep(segment, offset)
        return Outcome((segment._replace(seq=(segment.seq + offset) % SPACE),))

    def against(self, segment: Segment) -> Outcome:
        """Move back what it acknowledges."""
        offset = self._flows.against(segment)
        if not offset or not segment.flags & ACK:
            return Outcome((segment,))
        moved = segment._replace(ack=(segment.ack - offset) % SPACE)
        if self._sack:
            moved = moved._replace(options=map_sack(moved.options, lambda edge: edge - offset))
        return Outcome((moved,))


def _hash(segment: Segment) -> int:
    source, source_port, destination, destination_port = segment.flow
    numbers = struct.pack("!HHI", source_port, destination_port, segment.seq)
    return int.from_bytes(hashlib.sha256(source + destination + numbers).digest()[:4], "big")
