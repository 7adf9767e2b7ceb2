"""TCP options of a header, as boxes find and change them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

EOL, NOP = 0, 1
"""The two options without a length octet (RFC 9293, section 3.1)."""

SACK = 5
"""RFC 2018, section 3"""

MPTCP = 30
"""RFC 8684, section 3"""

SUBTYPES = {
    "MP_CAPABLE": 0,
    "MP_JOIN": 1,
    "DSS": 2,
    "ADD_ADDR": 3,
    "REMOVE_ADDR": 4,
    "MP_PRIO": 5,
    "MP_FAIL": 6,
    "MP_FASTCLOSE": 7,
    "MP_TCPRST": 8,
}
"""RFC 8684, section 7.2"""

SPACE = 1 << 32
"""of sequence numbers"""

Wanted = Callable[[bytes], bool]
"""Whether an option, with its kind and length, is meant."""


def walk(options: bytes) -> Iterator[tuple[int, bytes]]:
    """Each option with its place; what follows a length that cannot be is not read."""
    at = 0
    while at < len(options) and options[at] != EOL:
        if options[at] == NOP:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2 or at + length > len(options):
            return
        yield at, options[at : at + length]
        at += length


def wanted(kind: int, subtype: int | None) -> Wanted:
    """Options of a kind; of Multipath TCP's, perhaps one subtype only."""
    if subtype is None:
        return lambda option: option[0] == kind
    return lambda option: option[0] == kind and len(option) > 2 and option[2] >> 4 == subtype


def change(options: bytes, which: Wanted, how: Callable[[bytes], bytes]) -> bytes:
    """The options with some replaced by others of the same length; the same object if none is."""
    changed = options
    for at, option in walk(options):
        if which(option):
            changed = changed[:at] + how(option) + changed[at + len(option) :]
    return changed


def map_sack(options: bytes, move: Callable[[int], int]) -> bytes:
    """The options with ``move`` applied to each edge of each SACK block."""

    def moved(option: bytes) -> bytes:
        edges = struct.unpack(f"!{len(option[2:]) // 4}I", option[2 : 2 + len(option[2:]) // 4 * 4])
        return option[:2] + b"".join(struct.pack("!I", move(edge) % SPACE) for edge in edges)

    return change(options, lambda option: option[0] == SACK and len(option) % 4 == 2, moved)
