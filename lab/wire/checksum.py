"""The checksum of a mapping (RFC 8684, section 3.3.1)."""

from __future__ import annotations

import struct


def checksum(dsn: int, ssn: int, length: int, octets: bytes) -> int:
    """Return the Internet checksum of the pseudo-header and the data.

    ``dsn`` has 64 bits, whatever the option carries; ``ssn`` and ``length`` are the option's. With
    DATA_FIN, ``length`` counts one more than ``octets``.
    """
    header = struct.pack("!QIHH", dsn, ssn, length, 0)
    words = header + octets + bytes(len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
