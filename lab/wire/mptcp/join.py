"""MP_JOIN: how a subflow joins a connection (RFC 8684 and RFC 6824, section 3.2)."""

# ruff: noqa: RUF012  # fields_desc is how Scapy declares a layer

from __future__ import annotations

from scapy.fields import BitField, ByteField, StrFixedLenField, XIntField

from .option import MptcpOption, Subtype, form, subtype_field


class MpJoin(MptcpOption):
    """MP_JOIN, which has the three forms below."""

    name = "MP_JOIN"
    subtype = Subtype.MP_JOIN


def _of_an_address() -> list[object]:
    return [
        subtype_field(Subtype.MP_JOIN),
        BitField("reserved", 0, 3),
        BitField("backup", 0, 1),
        ByteField("address_id", 0),
    ]


@form(Subtype.MP_JOIN, 12)
class MpJoinSyn(MpJoin):
    """MP_JOIN of the SYN; ``token`` names the connection at the receiver."""

    fields_desc = [
        *_of_an_address(),
        XIntField("token", 0),
        XIntField("nonce", 0),
    ]


@form(Subtype.MP_JOIN, 16)
class MpJoinSynAck(MpJoin):
    """MP_JOIN of the SYN/ACK; ``hmac`` is the leftmost 64 bits of the sender's HMAC."""

    fields_desc = [
        *_of_an_address(),
        StrFixedLenField("hmac", bytes(8), 8),
        XIntField("nonce", 0),
    ]


@form(Subtype.MP_JOIN, 24)
class MpJoinAck(MpJoin):
    """MP_JOIN of the third packet; ``hmac`` is the leftmost 160 bits of the sender's HMAC."""

    fields_desc = [
        subtype_field(Subtype.MP_JOIN),
        BitField("reserved", 0, 12),
        StrFixedLenField("hmac", bytes(20), 20),
    ]
