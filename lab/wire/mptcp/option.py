"""What all MPTCP options share, and the table of their forms."""

# ruff: noqa: RUF012  # fields_desc is how Scapy declares a layer

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

from scapy.fields import BitEnumField, BitField, ConditionalField, Field, StrField
from scapy.packet import Packet

KIND = 30
"""The TCP option kind of MPTCP (IANA; TCPOPT_MPTCP in the kernel's include/net/tcp.h)."""


class Subtype(IntEnum):
    """MPTCP option subtypes (RFC 8684, section 7.2)."""

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


def subtype_field(value: Subtype) -> BitEnumField:
    """The first four bits of every option."""
    return BitEnumField("subtype", value, 4, SUBTYPES)


class TrailingField(Field):  # type: ignore[misc]  # Scapy is Any to mypy, see pyproject.toml
    """A last field which some senders leave out: None is absent."""

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int | None]:
        """Dissect it if there is something left (called by Scapy)."""
        return super().getfield(pkt, s) if s else (s, None)

    def addfield(self, pkt: Packet, s: bytes, val: int | None) -> bytes:
        """Build it unless it is None (called by Scapy)."""
        return s if val is None else super().addfield(pkt, s, val)


def if_flag(flag: int, field: Field) -> ConditionalField:
    """A field that is there if a bit of the option's ``flags`` says so."""
    return ConditionalField(field, lambda option: option.flags.value & flag)


class MptcpOption(Packet):  # type: ignore[misc]  # as above
    """Any MPTCP option; by itself one that has no layer of its own, or has a wrong length.

    ``MptcpOption(value)`` gives the layer that fits the octets.
    """

    name = "MPTCP option"
    fields_desc = [
        subtype_field(Subtype.MP_EXPERIMENTAL),
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


class Form(NamedTuple):
    """When a layer dissects an option's value, which has no kind and no length octet."""

    layer: type[MptcpOption]
    lengths: tuple[int, ...]
    """Length octets, which count kind and length too, as in the RFC's figures; empty: any."""
    fits: Callable[[bytes], bool]
    """What else must be so."""


FORMS: dict[int, list[Form]] = {}
"""The forms of each subtype that has layers."""

Layer = TypeVar("Layer", bound=type[MptcpOption])


def form(
    subtype: Subtype, *lengths: int, fits: Callable[[bytes], bool] = lambda value: True
) -> Callable[[Layer], Layer]:
    """Let a layer dissect options of this subtype with one of these length octets."""

    def register(layer: Layer) -> Layer:
        FORMS.setdefault(subtype, []).append(Form(layer, lengths, fits))
        return layer

    return register


def layer_for(value: bytes) -> type[MptcpOption]:
    """Return the layer that dissects an option's value, which is not empty."""
    length = 2 + len(value)
    for layer, lengths, fits in FORMS.get(value[0] >> 4, ()):
        if (not lengths or length in lengths) and fits(value):
            return layer
    return MptcpOption


def label(value: bytes) -> str:
    """Return what messages call an option: ``MpJoin`` for its three forms, or its subtype.

    A subtype that has layers with a length that fits none of them is ``malformed MP_JOIN``.
    """
    layer = layer_for(value)
    if layer is not MptcpOption:
        return layer.__mro__[layer.__mro__.index(MptcpOption) - 1].__name__
    subtype = value[0] >> 4
    name = SUBTYPES.get(subtype, f"subtype {subtype}")
    return f"malformed {name}" if subtype in FORMS else name
