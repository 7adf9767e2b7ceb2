"""What both versions of MPTCP derive from a key: SHA-256 of it, or SHA-1 in version 0."""

from __future__ import annotations

import hashlib
from functools import lru_cache


def token(key: int, version: int) -> int:
    """Return the first 32 bits of the digest (RFC 8684 and RFC 6824, section 3.2)."""
    return int.from_bytes(_digest(key, version)[:4], "big")


def first_dsn(key: int, version: int) -> int:
    """Return the data sequence number of the first octet: the digest's last 64 bits, plus one."""
    return (int.from_bytes(_digest(key, version)[-8:], "big") + 1) % (1 << 64)


@lru_cache(maxsize=1024)
def _digest(key: int, version: int) -> bytes:
    octets = key.to_bytes(8, "big")
    # RFC 6824, section 3.1: version 0 has no other algorithm.
    digest = hashlib.sha256(octets) if version else hashlib.sha1(octets, usedforsecurity=False)
    return digest.digest()
