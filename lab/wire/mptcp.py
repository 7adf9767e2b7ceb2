"""Multipath TCP options for Scapy: TCP option kind 30, RFC 8684, version 1.

Importing this module is enough: afterwards ``pkt[TCP].options`` shows ``("MPTCP", <MpPrio ...>)``
instead of ``(30, b"...")``, and such pairs can be built. A layer is the option's value, without
kind and length, as Scapy's own TCPAOValue: the length octet is computed when TCP is built, and when
TCP is dissected it tells the form of the option (``LAYERS``). What fits no form is an
``MptcpOption`` with its octets, and what is no whole option stays bytes; nothing raises.
"""

# ruff: noqa: RUF012  # fields_desc is how Scapy declares a layer

from __future__ import annotations

from enum import IntEnum
from typing import Any

from scapy.fields import (
    BitEnumField,
    BitField,
    ByteField,
    ConditionalField,
    Field,
    FlagsField,
    IntField,
    ShortField,
    StrField,
    StrFixedLenField,
    XIntField,
    XLongField,
)
from scapy.packet import Packet

from lab.wire.tcp_options import register, split, value_of

KIND = 30
"""The TCP option kind of MPTCP (IANA; TCPOPT_MPTCP in the kernel's include/net/tcp.h)."""


class Subtype(IntEnum):
    """MPTCP option subtypes (RFC 8684, section 8.2)."""

    MP_CAPABLE = 0
    MP_JOIN = 1
    DSS = 2
    ADD_ADDR = 3
    REMOVE_ADDR = 4
    MP_PRIO = 5
    MP_FAIL = 6
    MP_FASTCLOSE = 7
    MP_TCPRST = 8
    MP_EXPERIMENTAL = 15


SUBTYPES = {member.value: member.name for member in Subtype}


def _subtype(value: Subtype) -> BitEnumField:
    return BitEnumField("subtype", value, 4, SUBTYPES)


class MptcpOption(Packet):  # type: ignore[misc]  # Scapy is Any to mypy, see pyproject.toml
    """Any MPTCP option; by itself one that has no layer of its own, or has a wrong length.

    ``MptcpOption(value)`` gives the layer that fits the octets.
    """

    name = "MPTCP option"
    fields_desc = [
        _subtype(Subtype.MP_EXPERIMENTAL),
        BitField("flags", 0, 4),
        StrField("data", b""),
    ]

    @classmethod
    def dispatch_hook(
        cls, _pkt: bytes | None = None, *_args: Any, **_fields: Any
    ) -> type[MptcpOption]:
        """Choose the layer for these octets (called by Scapy)."""
        return layer_for(_pkt) if _pkt else cls

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        """Return no payload: an option carries nothing but itself (called by Scapy)."""
        return b"", s


class _TrailingField(Field):  # type: ignore[misc]  # as above
    """A last field which some senders leave out: None is absent."""

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int | None]:
        return super().getfield(pkt, s) if s else (s, None)

    def addfield(self, pkt: Packet, s: bytes, val: int | None) -> bytes:
        return s if val is None else super().addfield(pkt, s, val)


class MpCapable(MptcpOption):
    """MP_CAPABLE (RFC 8684, section 3.1): the four forms below begin with these fields.

    ``flags``: A checksums required, B extensibility, C no joins to this address and port,
    H HMAC-SHA256; D to G are reserved.
    """

    name = "MP_CAPABLE"
    fields_desc = [
        _subtype(Subtype.MP_CAPABLE),
        BitField("version", 1, 4),
        FlagsField("flags", "H", 8, "HGFEDCBA"),
    ]


class MpCapableSyn(MpCapable):
    """MP_CAPABLE of the SYN: no key yet."""


class MpCapableSynAck(MpCapable):
    """MP_CAPABLE of the SYN/ACK: the listener's key."""

    fields_desc = [MpCapable, XLongField("sender_key", 0)]


class MpCapableAck(MpCapable):
    """MP_CAPABLE of the third packet: both keys, the initiator's first."""

    fields_desc = [MpCapableSynAck, XLongField("receiver_key", 0)]


class MpCapableData(MpCapable):
    """MP_CAPABLE of the initiator's first data: it maps them, as a DSS would."""

    fields_desc = [
        MpCapableAck,
        ShortField("data_level_length", 0),
        _TrailingField("checksum", None, "H"),
    ]


class MpJoin(MptcpOption):
    """MP_JOIN (RFC 8684, section 3.2), which has the three forms below."""

    name = "MP_JOIN"
    subtype = Subtype.MP_JOIN


class MpJoinSyn(MpJoin):
    """MP_JOIN of the SYN; ``token`` names the connection at the receiver."""

    fields_desc = [
        _subtype(Subtype.MP_JOIN),
        BitField("reserved", 0, 3),
        BitField("backup", 0, 1),
        ByteField("address_id", 0),
        XIntField("token", 0),
        XIntField("nonce", 0),
    ]


class MpJoinSynAck(MpJoin):
    """MP_JOIN of the SYN/ACK; ``hmac`` is the leftmost 64 bits of the sender's HMAC."""

    fields_desc = [
        _subtype(Subtype.MP_JOIN),
        BitField("reserved", 0, 3),
        BitField("backup", 0, 1),
        ByteField("address_id", 0),
        StrFixedLenField("hmac", bytes(8), 8),
        XIntField("nonce", 0),
    ]


class MpJoinAck(MpJoin):
    """MP_JOIN of the third packet; ``hmac`` is the leftmost 160 bits of the sender's HMAC."""

    fields_desc = [
        _subtype(Subtype.MP_JOIN),
        BitField("reserved", 0, 12),
        StrFixedLenField("hmac", bytes(20), 20),
    ]


def _if_flag(flag: int, field: Field) -> ConditionalField:
    return ConditionalField(field, lambda option: option.flags.value & flag)


class _DataNumberField(XLongField):  # type: ignore[misc]  # as above
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


class Dss(MptcpOption):
    """Data sequence signal (RFC 8684, section 3.3): a data acknowledgment, a mapping, or both.

    ``flags`` decide what is built: A ``data_ack``, in 8 octets with a; M ``dsn``, in 8 octets with
    m, ``ssn``, ``data_level_length`` and ``checksum`` unless it is None; F is DATA_FIN.
    A mapping of length 0 has no end: the fallback to TCP of section 3.7.
    """

    name = "DSS"
    ACK, ACK_8, MAP, MAP_8, DATA_FIN = 1, 2, 4, 8, 16
    fields_desc = [
        _subtype(Subtype.DSS),
        BitField("reserved", 0, 7),
        FlagsField("flags", 0, 5, "AaMmF"),
        _if_flag(ACK, _DataNumberField("data_ack", ACK_8)),
        _if_flag(MAP, _DataNumberField("dsn", MAP_8)),
        _if_flag(MAP, IntField("ssn", 0)),
        _if_flag(MAP, ShortField("data_level_length", 0)),
        _if_flag(MAP, _TrailingField("checksum", None, "H")),
    ]


class MpPrio(MptcpOption):
    """MP_PRIO (RFC 8684, section 3.3.8): ``backup`` asks the receiver to send elsewhere.

    ``address_id`` exists in version 0 only (RFC 6824, section 3.3.8); None is absent.
    """

    name = "MP_PRIO"
    fields_desc = [
        _subtype(Subtype.MP_PRIO),
        BitField("reserved", 0, 3),
        BitField("backup", 0, 1),
        _TrailingField("address_id", None, "B"),
    ]


LAYERS: dict[tuple[int, int], type[MptcpOption]] = {
    (Subtype.MP_CAPABLE, 4): MpCapableSyn,
    (Subtype.MP_CAPABLE, 12): MpCapableSynAck,
    (Subtype.MP_CAPABLE, 20): MpCapableAck,
    (Subtype.MP_CAPABLE, 22): MpCapableData,
    (Subtype.MP_CAPABLE, 24): MpCapableData,
    (Subtype.MP_JOIN, 12): MpJoinSyn,
    (Subtype.MP_JOIN, 16): MpJoinSynAck,
    (Subtype.MP_JOIN, 24): MpJoinAck,
    (Subtype.MP_PRIO, 3): MpPrio,
    (Subtype.MP_PRIO, 4): MpPrio,
}
"""The layer for a subtype and a length octet (kind and length included), as in the RFC's figures.

DSS is not here: its length follows from its flags. A subtype that gets a layer gets its rows here.
"""


def layer_for(value: bytes) -> type[MptcpOption]:
    """Return the layer that dissects an option's value, which is not empty."""
    subtype = value[0] >> 4
    if subtype == Subtype.DSS:
        return Dss if _is_dss(value) else MptcpOption
    return LAYERS.get((subtype, 2 + len(value)), MptcpOption)


def _is_dss(value: bytes) -> bool:
    """Tell whether the length is what the flags ask for (RFC 8684, section 3.3)."""
    if len(value) < 2:
        return False
    flags, length = value[1], 2
    if flags & Dss.ACK:
        length += 8 if flags & Dss.ACK_8 else 4
    if not flags & Dss.MAP:
        return len(value) == length
    length += (8 if flags & Dss.MAP_8 else 4) + 6
    # No flag tells of a checksum: it was negotiated in MP_CAPABLE, so the length has to tell.
    return len(value) in (length, length + 2)


def label(value: bytes) -> str:
    """Return what messages call an option: ``MpJoin`` for its three forms, or its subtype.

    A subtype of ``LAYERS`` with a length that fits none of its forms is ``malformed MP_JOIN``.
    """
    layer = layer_for(value)
    if layer is not MptcpOption:
        return layer.__mro__[layer.__mro__.index(MptcpOption) - 1].__name__
    subtype = value[0] >> 4
    name = SUBTYPES.get(subtype, f"subtype {subtype}")
    known = subtype == Subtype.DSS or any(row == subtype for row, _length in LAYERS)
    return f"malformed {name}" if known else name


def values(options: bytes) -> list[bytes]:
    """Return the values of the MPTCP options in a TCP header, without kind and length.

    Malformed ones are not among them: no host would see them either.
    """
    return [value for piece in split(options) if piece[0] == KIND and (value := value_of(piece))]


register(KIND, "MPTCP", MptcpOption)
