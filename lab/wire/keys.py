"""What RFC 8684 derives from keys: tokens, initial data sequence numbers and HMACs.

All of them take the protocol's version: 1 hashes with SHA-256, 0 with SHA-1 (RFC 6824).
Keys and nonces are numbers, as Scapy and the kernel show them, or octets in network order.
All functions raise UsageError for a key that has not 64 bits or a nonce that has not 32.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import NamedTuple

from lab.errors import UsageError

HASHES = {0: "sha1", 1: "sha256"}
"""The hash of each version (RFC 6824 and RFC 8684, section 3.2)."""

KEY_LENGTH = 8
NONCE_LENGTH = 4


class Party(NamedTuple):
    """What one of the two hosts brings to the handshake of an MP_JOIN."""

    key: bytes | int
    """Its key, sent in MP_CAPABLE when the connection began."""
    nonce: bytes | int
    """The random number that it sent in this handshake."""


def token(key: bytes | int, version: int = 1) -> int:
    """Return the first 32 bits of the key's hash: how MP_JOIN names a connection (section 3.2)."""
    return int.from_bytes(_digest(key, version)[:4], "big")


def idsn(key: bytes | int, version: int = 1) -> int:
    """Return the last 64 bits of the key's hash: the initial data sequence number (section 3.1)."""
    return int.from_bytes(_digest(key, version)[-8:], "big")


def first_dsn(key: bytes | int, version: int = 1) -> int:
    """Return the data sequence number of the first octet: the one after the IDSN, modulo 2**64."""
    return (idsn(key, version) + 1) % (1 << 64)


def join_hmac(sender: Party, receiver: Party, version: int = 1) -> bytes:
    """Return the HMAC by which ``sender`` proves that it is an end of the connection.

    Section 3.2: the HMAC with the sender's key before the receiver's as the key, and the sender's
    nonce before the receiver's as the message.
    """
    message = b"".join(_octets(party.nonce, NONCE_LENGTH, "nonce") for party in (sender, receiver))
    return _hmac(sender.key, receiver.key, message, version)


def join_hmac_syn_ack(sender: Party, receiver: Party, version: int = 1) -> bytes:
    """Return what the SYN/ACK has room for: the leftmost 64 bits (section 3.2, figure 6)."""
    return join_hmac(sender, receiver, version)[:8]


def join_hmac_ack(sender: Party, receiver: Party, version: int = 1) -> bytes:
    """Return what the third packet has room for: the leftmost 160 bits (section 3.2, figure 7)."""
    return join_hmac(sender, receiver, version)[:20]


def add_addr_hmac(
    sender_key: bytes | int, receiver_key: bytes | int, address_id: int, address: str, port: int
) -> bytes:
    """Return the rightmost 64 bits of the HMAC of an ADD_ADDR (section 3.4.1; version 1 only).

    The message is the address id, the address and the port, which is 0 if the option has none.
    """
    packed = ipaddress.ip_address(address).packed
    message = bytes([address_id]) + packed + port.to_bytes(2, "big")
    return _hmac(sender_key, receiver_key, message, version=1)[-8:]


def _hmac(sender: bytes | int, receiver: bytes | int, message: bytes, version: int) -> bytes:
    key = _octets(sender, KEY_LENGTH, "key") + _octets(receiver, KEY_LENGTH, "key")
    return hmac.digest(key, message, HASHES[version])


def _digest(key: bytes | int, version: int) -> bytes:
    return hashlib.new(HASHES[version], _octets(key, KEY_LENGTH, "key")).digest()


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
