"""MP_CAPABLE: how a connection begins (RFC 8684 and RFC 6824, section 3.1)."""

# ruff: noqa: RUF012  # fields_desc is how Scapy declares a layer

from __future__ import annotations

from scapy.fields import BitField, FlagsField, ShortField, XLongField

from .option import MptcpOption, Subtype, TrailingField, form, subtype_field


class MpCapable(MptcpOption):
    """MP_CAPABLE: the four forms below begin with these fields.

    ``flags``: A checksums required, B extensibility, C no joins to this address and port (version 1
    only), H HMAC-SHA256 (HMAC-SHA1 in version 0); D to G are reserved.
    """

    name = "MP_CAPABLE"
    fields_desc = [
        subtype_field(Subtype.MP_CAPABLE),
        BitField("version", 1, 4),
        FlagsField("flags", "H", 8, "HGFEDCBA"),
    ]


@form(Subtype.MP_CAPABLE, 4)
class MpCapableSyn(MpCapable):
    """MP_CAPABLE of the SYN: no key yet."""


@form(Subtype.MP_CAPABLE, 12)
class MpCapableSynAck(MpCapable):
    """MP_CAPABLE of the SYN/ACK: the listener's key. In version 0 of the SYN too, with its key."""

    fields_desc = [MpCapable, XLongField("sender_key", 0)]


@form(Subtype.MP_CAPABLE, 20)
class MpCapableAck(MpCapable):
    """MP_CAPABLE of the third packet: both keys, the initiator's first."""

    fields_desc = [MpCapableSynAck, XLongField("receiver_key", 0)]


@form(Subtype.MP_CAPABLE, 22, 24)
class MpCapableData(MpCapable):
    """MP_CAPABLE of the initiator's first data: it maps them, as a DSS would. Not in version 0."""

    fields_desc = [
        MpCapableAck,
        ShortField("data_level_length", 0),
        TrailingField("checksum", None, "H"),
    ]
