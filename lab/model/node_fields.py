"""The types of the keys of switches and routers, and of a firewall's rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from lab import units
from lab.errors import UsageError
from lab.model import names
from lab.model.fields import _pattern, _some, kind, listed, quantity, text, wrong

ACTIONS = ("drop", "reset", "unreachable")
SELECTIONS = ("new", "syn")
SWITCH_KINDS = ("bridge", "openvswitch")

SUBTYPES: Mapping[str, int] = {"MP_CAPABLE": 0x0, "MP_JOIN": 0x1}
"""RFC 8684 section 3, figure 3. A rule looks at the first MPTCP option of a packet alone; these two
are always the first."""

LARGEST_PORT = 0xFFFF
LARGEST_OPTION = 254
_SMALLEST_OPTION = 2
"""Kinds 0 and 1 end and pad the options (RFC 9293 section 3.1); 255 means none to nftables."""


class Ports(NamedTuple):
    """Ports from the first to the last; both belong to it."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def _choice(what: str, words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise UsageError(f"unknown {what} {names.shown(text)} ({names.hint(text, words)})")
        return text

    return read


def _ports(text: str) -> Ports:
    found = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text)
    ports = Ports(int(found[1]), int(found[2] or found[1])) if found else Ports(0, 0)
    if not 1 <= ports.first <= ports.last <= LARGEST_PORT:
        raise UsageError(
            f"{names.shown(text)} is neither a port from 1 to {LARGEST_PORT} nor a range 5000-5999"
        )
    return ports


def _option(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not _SMALLEST_OPTION <= int(text) <= LARGEST_OPTION:
        raise UsageError(
            f"{names.shown(text)} is not the kind of a TCP option, {_SMALLEST_OPTION} to "
            f"{LARGEST_OPTION} (MPTCP is 30)"
        )
    return int(text)


def _idle(text: str) -> int:
    seconds = units.duration(text)
    if seconds < 1 or seconds != int(seconds):
        raise UsageError(f"{names.shown(text)} is not a whole number of seconds, at least 1 s")
    return int(seconds)


def _rules(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise wrong(f"{kind(value)} where a list of rules belongs: [{{action: drop, from: wan}}]")
    return value


_INTERFACE_SCHEMA = _pattern(names.INTERFACE)
_InterfaceName = Annotated[str, text(names.interface, "wan")]
_Ports = Annotated[Ports, text(_ports, "5001")]

Action = Annotated[
    Literal["drop", "reset", "unreachable"],
    text(_choice("action", ACTIONS), "drop"),
    WithJsonSchema({"enum": list(ACTIONS)}),
]
SwitchKind = Annotated[
    Literal["bridge", "openvswitch"],
    text(_choice("kind of switch", SWITCH_KINDS), "bridge"),
    WithJsonSchema({"enum": list(SWITCH_KINDS)}),
]
Selection = Annotated[
    Literal["new", "syn"] | None,
    text(_choice("kind of packets", SELECTIONS), "new"),
    WithJsonSchema({"enum": list(SELECTIONS)}),
]
Subtype = Annotated[
    Literal["MP_CAPABLE", "MP_JOIN"] | None,
    text(_choice("MPTCP option", tuple(SUBTYPES)), "MP_JOIN"),
    WithJsonSchema({"enum": list(SUBTYPES)}),
]
OptionKind = Annotated[
    int | None,
    text(_option, "30"),
    WithJsonSchema({"type": "integer", "minimum": _SMALLEST_OPTION, "maximum": LARGEST_OPTION}),
]
Interface = Annotated[str | None, text(names.interface, "wan"), WithJsonSchema(_INTERFACE_SCHEMA)]
Interfaces = Annotated[
    tuple[_InterfaceName, ...], BeforeValidator(listed), _some(_INTERFACE_SCHEMA)
]
SomePorts = Annotated[
    tuple[_Ports, ...],
    BeforeValidator(listed),
    _some({"type": ["integer", "string"], "examples": [5001, "5000-5999"]}),
]
Idle = Annotated[int | None, text(_idle, "30 s"), quantity("duration", "30 s")]
Rules = BeforeValidator(_rules)
"""Of a list of rules."""
