"""TCP options: cutting them out of a header, and the registry of their layers that Scapy lacks.

Scapy knows a format for the value of each TCP option, but no layer, except for the one (TCP-AO)
that is written into its TCPOptionsField. ``register`` gives a kind a layer; from then on
``pkt[TCP].options`` holds ``(name, layer)`` instead of ``(kind, bytes)``, dissected and built.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, ClassVar

from scapy.layers.inet import TCP, TCPerror, TCPOptions, TCPOptionsField
from scapy.packet import Packet

EOL, NOP = 0, 1
"""The two options without a length octet (RFC 9293, section 3.1)."""


def split(options: bytes) -> Iterator[bytes]:
    """Yield the options of a TCP header, each with its kind and length octets.

    From the first option on whose length cannot be, and from EOL on, the rest comes as one piece:
    the kernel's tcp_parse_options() stops there too. A last option that is cut comes as it is.
    """
    start = 0
    while start < len(options):
        if options[start] == NOP:
            end = start + 1
        elif options[start] == EOL or options[start + 1 : start + 2] < b"\x02":
            end = len(options)  # the length is not there, 0 or 1
        else:
            end = start + options[start + 1]
        yield options[start:end]
        start = end


def value_of(piece: bytes) -> bytes:
    """Return a piece of ``split`` without kind and length; empty if it is no whole option."""
    return piece[2:] if len(piece) > 1 and piece[1] == len(piece) else b""


class LayeredOptionsField(TCPOptionsField):  # type: ignore[misc]  # Scapy is Any, see pyproject.toml
    """The options of a TCP header; a value whose kind was registered is a layer."""

    layers: ClassVar[dict[int, tuple[str, type[Packet]]]] = {}

    def m2i(self, pkt: Packet | None, x: bytes) -> list[tuple[Any, Any]]:
        """Dissect the options; what no layer takes is left to Scapy, malformed options too."""
        options: list[tuple[Any, Any]] = []
        for piece in split(x):
            name, layer = self.layers.get(piece[0], ("", None))
            value = value_of(piece)
            if layer and value:
                options.append((name, layer(value)))
            else:
                options.extend(self._by_scapy(pkt, piece))
        return options

    def _by_scapy(self, pkt: Packet | None, piece: bytes) -> list[tuple[Any, Any]]:
        """Dissect one option as Scapy does; octets where it would raise: a TCP-AO that is cut."""
        try:
            return list(super().m2i(pkt, piece))
        except struct.error:
            return [(piece[0], piece[2:])]

    def i2m(self, pkt: Packet | None, x: list[tuple[Any, Any]]) -> Any:
        """Build the options; Scapy writes kind, length and padding around the octets."""
        octets = [(name, bytes(v) if isinstance(v, Packet) else v) for name, v in x]
        return super().i2m(pkt, octets)

    def do_copy(self, x: Any) -> Any:
        """Copy the layers with the list, so that a copied packet can be changed by itself."""
        if not isinstance(x, list):
            return super().do_copy(x)
        return [(name, v.copy() if isinstance(v, Packet) else v) for name, v in x]


def register(kind: int, name: str, layer: type[Packet]) -> None:
    """Let ``layer`` dissect and build the values of a TCP option, shown as ``name``."""
    TCPOptions[0][kind] = (name, None)
    TCPOptions[1][name] = kind
    LayeredOptionsField.layers[kind] = (name, layer)
    for header in (TCP, TCPerror):
        install(header)


def install(header: type[Packet]) -> None:
    """Replace the options field of a TCP header's layer; a second time changes nothing."""
    for position, field in enumerate(header.fields_desc):
        if type(field) is TCPOptionsField:
            header.fields_desc[position] = LayeredOptionsField(field.name, field.default)
    # From its first packet on, Scapy keeps a layer's fields here: it must read them again.
    for kept in (
        Packet.class_default_fields,
        Packet.class_default_fields_ref,
        Packet.class_fieldtype,
        Packet.class_packetfields,
    ):
        kept.pop(header, None)
