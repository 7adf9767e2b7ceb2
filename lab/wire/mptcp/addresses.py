"""ADD_ADDR and REMOVE_ADDR: other addresses of a host (RFC 8684 and RFC 6824, section 3.4)."""

# ruff: noqa: RUF012  # fields_desc is how Scapy declares a layer

from __future__ import annotations

from scapy.fields import (
    BitField,
    ByteField,
    ConditionalField,
    FieldListField,
    IPField,
    ShortField,
    StrFixedLenField,
)
from scapy.layers.inet6 import IP6Field
from scapy.packet import Packet

from .option import MptcpOption, Subtype, TrailingField, form, subtype_field

HMAC_LENGTH = 8


class AddAddr(MptcpOption):
    """ADD_ADDR, which has the forms below; ``port`` is None if the option has none."""

    name = "ADD_ADDR"
    subtype = Subtype.ADD_ADDR


class _PortField(ShortField):  # type: ignore[misc]  # Scapy is Any to mypy
    """The port, which may be left out; an HMAC of eight octets may follow it."""

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int | None]:
        return super().getfield(pkt, s) if len(s) % HMAC_LENGTH else (s, None)

    def addfield(self, pkt: Packet, s: bytes, val: int | None) -> bytes:
        return s if val is None else super().addfield(pkt, s, val)


def _first_fields() -> list[object]:
    return [
        subtype_field(Subtype.ADD_ADDR),
        BitField("reserved", 0, 3),
        BitField("echo", 0, 1),
        ByteField("address_id", 0),
    ]


def _last_fields() -> list[object]:
    hmac = StrFixedLenField("hmac", bytes(HMAC_LENGTH), HMAC_LENGTH)
    return [_PortField("port", None), ConditionalField(hmac, lambda option: not option.echo)]


def _is_echo(value: bytes) -> bool:
    return bool(value[0] & 1)


def _is_no_echo(value: bytes) -> bool:
    return not _is_echo(value)


@form(Subtype.ADD_ADDR, 8, 10, fits=_is_echo)
@form(Subtype.ADD_ADDR, 16, 18, fits=_is_no_echo)
class AddAddr4(AddAddr):
    """ADD_ADDR of an IPv4 address; ``hmac`` is the rightmost 64 bits, absent from an echo."""

    fields_desc = [*_first_fields(), IPField("address", "0.0.0.0"), *_last_fields()]  # noqa: S104


@form(Subtype.ADD_ADDR, 20, 22, fits=_is_echo)
@form(Subtype.ADD_ADDR, 28, 30, fits=_is_no_echo)
class AddAddr6(AddAddr):
    """ADD_ADDR of an IPv6 address; ``hmac`` is the rightmost 64 bits, absent from an echo."""

    fields_desc = [*_first_fields(), IP6Field("address", "::"), *_last_fields()]


def _version0_fields(ip_version: int) -> list[object]:
    return [
        subtype_field(Subtype.ADD_ADDR),
        BitField("ip_version", ip_version, 4),
        ByteField("address_id", 0),
    ]


@form(Subtype.ADD_ADDR, 8, 10, fits=lambda value: value[0] & 0xF == 4)
class AddAddr4V0(AddAddr):
    """ADD_ADDR of an IPv4 address in version 0: no echo, no HMAC (RFC 6824, section 3.4.1)."""

    fields_desc = [
        *_version0_fields(4),
        IPField("address", "0.0.0.0"),  # noqa: S104  # no address yet, and no socket at all
        TrailingField("port", None, "H"),
    ]


@form(Subtype.ADD_ADDR, 20, 22, fits=lambda value: value[0] & 0xF == 6)
class AddAddr6V0(AddAddr):
    """ADD_ADDR of an IPv6 address in version 0: no echo, no HMAC (RFC 6824, section 3.4.1)."""

    fields_desc = [
        *_version0_fields(6),
        IP6Field("address", "::"),
        TrailingField("port", None, "H"),
    ]


@form(Subtype.REMOVE_ADDR, fits=lambda value: len(value) > 1)
class RemoveAddr(MptcpOption):
    """REMOVE_ADDR (section 3.4.2): the ids of addresses that are gone."""

    name = "REMOVE_ADDR"
    fields_desc = [
        subtype_field(Subtype.REMOVE_ADDR),
        BitField("reserved", 0, 4),
        FieldListField("address_ids", [], ByteField("", 0)),
    ]
