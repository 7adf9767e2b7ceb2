"""The DSS option as plain numbers: it is on nearly every packet, and Scapy takes its time."""

from __future__ import annotations

from typing import NamedTuple

from lab.wire.mptcp import Dss

HALF_64, FULL_64 = 1 << 63, 1 << 64


class Mapping(NamedTuple):
    """A data sequence mapping (RFC 8684, section 3.3.1)."""

    dsn: int
    octets: int
    """In how many octets ``dsn`` was written: 4 or 8."""
    ssn: int
    length: int
    checksum: int | None


class Signal(NamedTuple):
    """What one DSS says."""

    data_ack: int | None
    octets: int
    """In how many octets ``data_ack`` was written: 4 or 8."""
    mapping: Mapping | None
    fin: bool
    reserved: int
    without_field: str
    """Flags that tell how long a number is which is not there: a, m, both, or neither."""


def signal(value: bytes) -> Signal:
    """Decode the value of an option that ``lab.wire.mptcp`` takes for a Dss."""
    flags, at = value[1], 2
    data_ack, octets = None, 4
    if flags & Dss.ACK:
        octets = 8 if flags & Dss.ACK_8 else 4
        data_ack = int.from_bytes(value[at : at + octets], "big")
        at += octets
    mapping = _mapping(value, at, flags) if flags & Dss.MAP else None
    reserved = (value[0] & 0xF) << 3 | flags >> 5
    return Signal(
        data_ack, octets, mapping, bool(flags & Dss.DATA_FIN), reserved, _without_field(flags)
    )


def _without_field(flags: int) -> str:
    pairs = (("a", Dss.ACK_8, Dss.ACK), ("m", Dss.MAP_8, Dss.MAP))
    return "".join(name for name, long, there in pairs if flags & long and not flags & there)


def _mapping(value: bytes, at: int, flags: int) -> Mapping:
    octets = 8 if flags & Dss.MAP_8 else 4
    dsn = int.from_bytes(value[at : at + octets], "big")
    at += octets
    ssn = int.from_bytes(value[at : at + 4], "big")
    length = int.from_bytes(value[at + 4 : at + 6], "big")
    checksum = int.from_bytes(value[at + 6 : at + 8], "big") if len(value) > at + 6 else None
    return Mapping(dsn, octets, ssn, length, checksum)


def near(value: int, bits: int, reference: int) -> int:
    """Return the number nearest to ``reference`` whose last ``bits`` are ``value``."""
    full = 1 << bits
    return reference + (value - reference + (full >> 1)) % full - (full >> 1)
