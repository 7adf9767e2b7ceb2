"""Options that tell of priority, failure and the end (RFC 8684, sections 3.3.8 and 3.5 to 3.7)."""

# ruff: noqa: RUF012  # fields_desc is how Scapy declares a layer

from __future__ import annotations

from enum import IntEnum

from scapy.fields import BitField, ByteEnumField, FlagsField, StrField, XLongField

from .option import MptcpOption, Subtype, TrailingField, form, subtype_field


@form(Subtype.MP_PRIO, 3, 4)
class MpPrio(MptcpOption):
    """MP_PRIO (RFC 8684, section 3.3.8): ``backup`` asks the receiver to send elsewhere.

    ``address_id`` exists in version 0 only (RFC 6824, section 3.3.8); None is absent.
    """

    name = "MP_PRIO"
    fields_desc = [
        subtype_field(Subtype.MP_PRIO),
        BitField("reserved", 0, 3),
        BitField("backup", 0, 1),
        TrailingField("address_id", None, "B"),
    ]


@form(Subtype.MP_FAIL, 12)
class MpFail(MptcpOption):
    """MP_FAIL (RFC 8684, section 3.7): from ``dsn`` on, data failed their checksum."""

    name = "MP_FAIL"
    fields_desc = [
        subtype_field(Subtype.MP_FAIL),
        BitField("reserved", 0, 12),
        XLongField("dsn", 0),
    ]


@form(Subtype.MP_FASTCLOSE, 12)
class MpFastclose(MptcpOption):
    """MP_FASTCLOSE (RFC 8684, section 3.5): the whole connection ends abruptly."""

    name = "MP_FASTCLOSE"
    fields_desc = [
        subtype_field(Subtype.MP_FASTCLOSE),
        BitField("reserved", 0, 12),
        XLongField("receiver_key", 0),
    ]


class ResetReason(IntEnum):
    """Reasons of MP_TCPRST (RFC 8684, section 7.4)."""

    UNSPECIFIED = 0
    MPTCP_SPECIFIC = 1
    LACK_OF_RESOURCES = 2
    ADMINISTRATIVELY_PROHIBITED = 3
    TOO_MUCH_OUTSTANDING_DATA = 4
    UNACCEPTABLE_PERFORMANCE = 5
    MIDDLEBOX_INTERFERENCE = 6


@form(Subtype.MP_TCPRST, 4)
class MpTcpRst(MptcpOption):
    """MP_TCPRST (RFC 8684, section 3.6): why a subflow is reset.

    ``flags``: T transient, the condition may pass; U, V and W are reserved. Not in version 0.
    """

    name = "MP_TCPRST"
    fields_desc = [
        subtype_field(Subtype.MP_TCPRST),
        FlagsField("flags", 0, 4, "TWVU"),
        ByteEnumField("reason", 0, {reason.value: reason.name for reason in ResetReason}),
    ]


@form(Subtype.MP_EXPERIMENTAL)
class MpExperimental(MptcpOption):
    """An option for private use (RFC 8684, section 7.2): its octets as they are."""

    name = "MP_EXPERIMENTAL"
    fields_desc = [
        subtype_field(Subtype.MP_EXPERIMENTAL),
        BitField("flags", 0, 4),
        StrField("data", b""),
    ]
