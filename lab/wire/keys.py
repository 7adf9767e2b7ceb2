"""What RFC 8684 derives from keys: tokens, initial data sequence numbers and HMACs.

Keys and nonces are numbers, as Scapy and the kernel show them, or octets in network order.
All functions raise UsageError for a key that has not 64 bits or a nonce that has not 32.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from lab.errors import UsageError

KEY_LENGTH = 8
NONCE_LENGTH = 4


class Party(NamedTuple):
    """What one of the two hosts brings to the handshake of an MP_JOIN."""

    key: bytes | int
    """Its key, sent in MP_CAPABLE when the connection began."""
    nonce: bytes | int
    """The random number that it sent in this handshake."""


def token(key: bytes | int) -> int:
    """Return the first 32 bits of SHA-256(key): how MP_JOIN names a connection (section 3.2)."""
    return int.from_bytes(_digest(key)[:4], "big")


def idsn(key: bytes | int) -> int:
    """Return the last 64 bits of SHA-256(key): the initial data sequence number (section 3.1).

    The first octet of data has the number after it, modulo 2**64.
    """
    return int.from_bytes(_digest(key)[-8:], "big")


def join_hmac(sender: Party, receiver: Party) -> bytes:
    """Return the 256-bit HMAC by which ``sender`` proves that it is an end of the connection.

    Section 3.2: HMAC-SHA256 with the sender's key before the receiver's as the key, and the
    sender's nonce before the receiver's as the message.
    """
    key = _octets(sender.key, KEY_LENGTH, "key") + _octets(receiver.key, KEY_LENGTH, "key")
    message = b"".join(_octets(party.nonce, NONCE_LENGTH, "nonce") for party in (sender, receiver))
    return hmac.digest(key, message, "sha256")


def join_hmac_syn_ack(sender: Party, receiver: Party) -> bytes:
    """Return what the SYN/ACK has room for: the leftmost 64 bits (section 3.2, figure 6)."""
    return join_hmac(sender, receiver)[:8]


def join_hmac_ack(sender: Party, receiver: Party) -> bytes:
    """Return what the third packet has room for: the leftmost 160 bits (section 3.2, figure 7)."""
    return join_hmac(sender, receiver)[:20]


def _digest(key: bytes | int) -> bytes:
    return hashlib.sha256(_octets(key, KEY_LENGTH, "key")).digest()


def _octets(value: bytes | int, length: int, name: str) -> bytes:
    """Return a key or a nonce in network order."""
    if isinstance(value, int):
        try:
            return value.to_bytes(length, "big")
        except OverflowError:
            raise UsageError(f"{name} {value:#x} does not fit in {8 * length} bits") from None
    if len(value) != length:
        raise UsageError(f"{name} {value.hex()} has {8 * len(value)} bits, not {8 * length}")
    return value
