"""Data sequence signal: data acknowledgments and mappings (RFC 8684 and RFC 6824, section 3.3)."""

# ruff: noqa: RUF012  # fields_desc is how Scapy declares a layer

from __future__ import annotations

from scapy.fields import BitField, FlagsField, IntField, ShortField, XLongField
from scapy.packet import Packet

from .option import MptcpOption, Subtype, TrailingField, form, if_flag, subtype_field

ACK, ACK_8, MAP, MAP_8, DATA_FIN = 1, 2, 4, 8, 16


class _DataNumberField(XLongField):  # type: ignore[misc]  # Scapy is Any to mypy
    """A place in the data stream, of which the upper 32 bits may be left out."""

    __slots__ = ["flag_8"]

    def __init__(self, name: str, flag_8: int) -> None:
        super().__init__(name, 0)
        self.flag_8 = flag_8

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int]:
        octets = self._octets(pkt)
        return s[octets:], int.from_bytes(s[:octets], "big")

    def addfield(self, pkt: Packet, s: bytes, val: int) -> bytes:
        return s + val.to_bytes(self._octets(pkt), "big")

    def _octets(self, option: Packet) -> int:
        return 8 if option.flags.value & self.flag_8 else 4


def _length_fits(value: bytes) -> bool:
    """Tell whether the length is what the flags ask for (RFC 8684, section 3.3)."""
    if len(value) < 2:
        return False
    flags, length = value[1], 2
    if flags & ACK:
        length += 8 if flags & ACK_8 else 4
    if not flags & MAP:
        return len(value) == length
    length += (8 if flags & MAP_8 else 4) + 6
    # No flag tells of a checksum: it was negotiated in MP_CAPABLE, so the length has to tell.
    return len(value) in (length, length + 2)


@form(Subtype.DSS, fits=_length_fits)
class Dss(MptcpOption):
    """Data sequence signal: a data acknowledgment, a mapping, or both.

    ``flags`` decide what is built: A ``data_ack``, in 8 octets with a; M ``dsn``, in 8 octets with
    m, ``ssn``, ``data_level_length`` and ``checksum`` unless it is None; F is DATA_FIN.
    A mapping of length 0 has no end: the fallback to TCP of section 3.7.
    """

    name = "DSS"
    ACK, ACK_8, MAP, MAP_8, DATA_FIN = ACK, ACK_8, MAP, MAP_8, DATA_FIN
    fields_desc = [
        subtype_field(Subtype.DSS),
        BitField("reserved", 0, 7),
        FlagsField("flags", 0, 5, "AaMmF"),
        if_flag(ACK, _DataNumberField("data_ack", ACK_8)),
        if_flag(MAP, _DataNumberField("dsn", MAP_8)),
        if_flag(MAP, IntField("ssn", 0)),
        if_flag(MAP, ShortField("data_level_length", 0)),
        if_flag(MAP, TrailingField("checksum", None, "H")),
    ]
