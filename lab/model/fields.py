"""The types of a topology's keys: how each is read from text, and what an editor may know of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    PlainValidator,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from lab import units
from lab.errors import UsageError
from lab.model import addressing, names

FORMAT = 1
"""The number of the format that this version reads."""

Json = dict[str, Any]


def kind(value: object) -> str:
    """What a person sees where ``value`` stands in the file."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else names.shown(value)


def wrong(message: str) -> PydanticCustomError:
    """The error of a validator whose message is meant for the author of the file."""
    return PydanticCustomError("mistake", "{message}", {"message": message})


def text(parse: Callable[[str], object], example: str) -> PlainValidator:
    """A validator that reads text with ``parse``, whose UsageError becomes the mistake."""

    return PlainValidator(lambda value: _read(value, parse, example))


def _read(value: object, parse: Callable[[str], object], example: str) -> object:
    if not isinstance(value, str):
        raise wrong(f"{kind(value)} where a value such as {example} belongs")
    try:
        return parse(value)
    except UsageError as error:
        raise wrong(str(error)) from error


def listed(value: object) -> object:
    """One value may stand for a list of one."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise wrong(f"{kind(value)} where one or more values belong: [first, second, …]")
    return value


def _pair(value: object) -> object:
    if not isinstance(value, list) or len(value) != 2:
        count = f"a list of {len(value)}" if isinstance(value, list) else kind(value)
        raise wrong(f"{count} where two ends belong: [node:interface, node:interface]")
    return value


def _format(text: str) -> int:
    if text != str(FORMAT):
        raise UsageError(f"format {names.shown(text)} is unknown; this version reads {FORMAT}")
    return FORMAT


def _distribution(text: str) -> str:
    if text not in DISTRIBUTIONS:
        hint = names.hint(text, DISTRIBUTIONS)
        raise UsageError(f"unknown distribution {names.shown(text)} ({hint})")
    return text


def _share_alone(value: object, read_mapping: ValidatorFunctionWrapHandler) -> object:
    """A share of packets lost at random, where a mapping would speak of bursts."""
    return read_mapping(value) if isinstance(value, dict) else _read(value, units.share, "0.1 %")


def _path_manager(text: str) -> str:
    if text not in PATH_MANAGERS:
        hint = names.hint(text, PATH_MANAGERS)
        raise UsageError(f"unknown path manager {names.shown(text)} ({hint})")
    return text


def _listed_mappings(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise wrong(f"{kind(value)} where a list belongs: [{{interface: lte, flags: subflow}}]")
    return value


def number(least: int, most: int) -> Callable[[str], int]:
    """What reads an integer of that range, written in digits."""

    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise UsageError(f"{names.shown(text)} is not a number from {least} to {most}")
        return int(text)

    return read


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise UsageError(f"{names.shown(text)} is neither true nor false")
    return text == "true"


def _flag(text: str) -> str:
    if text == "implicit":
        raise UsageError("an 'implicit' endpoint is one that the kernel makes itself")
    if text not in FLAGS:
        raise UsageError(f"unknown flag {names.shown(text)} ({names.hint(text, FLAGS)})")
    return text


def _algorithm(text: str) -> str:
    if not re.fullmatch(_ALGORITHM, text):
        raise UsageError(
            f"{names.shown(text)} is not a name of the kernel's (at most 15 letters, digits, '_' "
            "and '-')"
        )
    return text


def _sysctl_value(text: str) -> str:
    if not text.isascii() or not text.isprintable() or len(text) > _LONGEST_VALUE:
        raise UsageError(
            f"{names.shown(text)} is not a value of a sysctl (printable ASCII, at most "
            f"{_LONGEST_VALUE} characters)"
        )
    return text


def _pattern(expression: str, **more: Any) -> Json:
    return {"type": "string", "pattern": f"^{expression}$", **more}


def _some(one: Json) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})


def between(least: int, most: int) -> WithJsonSchema:
    """The schema of an integer of that range."""
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": most})


def quantity(name: str, *examples: str) -> WithJsonSchema:
    """The schema of a quantity of that kind of :mod:`lab.units`."""
    return WithJsonSchema(
        {"type": "string", "pattern": units.PATTERNS[name], "examples": list(examples)}
    )


PATH_MANAGERS = ("kernel", "userspace")
"""Values of ``net.mptcp.path_manager``, Documentation/networking/mptcp-sysctl.rst."""

DISTRIBUTIONS = ("uniform", "normal", "pareto", "paretonormal")
"""Of jitter; the last three are the tables that tc-netem(8) brings."""
MOST_SUBFLOWS = 8
"""MPTCP_PM_ADDR_MAX, net/mptcp/protocol.h: of endpoints, and of each limit."""

FLAGS = ("signal", "subflow", "backup", "fullmesh", "laminar")
"""``MPTCP_PM_ADDR_FLAG_*`` of <linux/mptcp_pm.h> that may be set from outside, in small letters."""

_ALGORITHM = "[A-Za-z0-9_-]{1,15}"
"""TCP_CA_NAME_MAX and MPTCP_SCHED_NAME_MAX are 16, with the NUL (<net/tcp.h>, <net/mptcp.h>)."""
_LONGEST_VALUE = 200

LABEL_SCHEMA = _pattern(names.LABEL)
HOST_SCHEMA = _pattern(names.HOST, maxLength=names.LONGEST_HOST)
END_SCHEMA = _pattern(f"{names.HOST}:{names.INTERFACE}")
_SUBNET_SCHEMA: Json = {"type": "string", "examples": ["10.0.1.0/24", "fd00:1::/64"]}
_ADDRESS_SCHEMA: Json = {"type": "string", "examples": ["10.0.1.10", "fd00:1::10"]}
_ENDS_SCHEMA: Json = {"type": "array", "items": END_SCHEMA, "minItems": 2, "maxItems": 2}

Format = Annotated[int, text(_format, "1"), WithJsonSchema({"const": FORMAT})]
Label = Annotated[str, text(names.label, "two_paths"), WithJsonSchema(LABEL_SCHEMA)]
PathManager = Annotated[
    Literal["kernel", "userspace"] | None,
    text(_path_manager, "userspace"),
    WithJsonSchema({"enum": list(PATH_MANAGERS)}),
]
Rate = Annotated[int | None, text(units.rate, "10 Mbit/s"), quantity("rate", "10 Mbit/s")]
Queue = Annotated[
    units.Queue | None,
    text(units.queue, "200 packets"),
    quantity("queue", "200 packets", "64 kB", "50 ms"),
]
Duration = Annotated[float | None, text(units.duration, "5 ms"), quantity("duration", "5 ms")]
Share = Annotated[float | None, text(units.share, "0.1 %"), quantity("share", "0.1 %")]
Part = Annotated[float, text(units.share, "50 %"), quantity("share", "50 %")]
Chance = Annotated[float, text(units.chance, "5 %"), quantity("share", "5 %")]
LOSS = WrapValidator(_share_alone)
"""Lets a share stand where a mapping is read."""
Distribution = Annotated[
    str | None, text(_distribution, "normal"), WithJsonSchema({"enum": list(DISTRIBUTIONS)})
]
Mtu = Annotated[int | None, text(units.mtu, "1400 B"), quantity("mtu", "1400 B")]

_HostName = Annotated[str, text(names.host, "server")]
_Subnet = Annotated[addressing.Network, text(addressing.subnet, "10.0.1.0/24")]
_Address = Annotated[addressing.Address, text(addressing.address, "10.0.1.10")]
_EndName = Annotated[names.EndName, text(names.end, "client:wifi")]

Flags = Annotated[
    tuple[Annotated[str, text(_flag, "subflow")], ...],
    BeforeValidator(listed),
    _some({"enum": list(FLAGS)}),
]
Port = Annotated[int | None, text(number(1, 0xFFFF), "7000"), between(1, 0xFFFF)]
AddressId = Annotated[int | None, text(number(1, 0xFF), "3"), between(1, 0xFF)]
Limit = Annotated[int | None, text(number(0, MOST_SUBFLOWS), "2"), between(0, MOST_SUBFLOWS)]
Switch = Annotated[bool | None, text(_switch, "true"), WithJsonSchema({"type": "boolean"})]
Algorithm = Annotated[str | None, text(_algorithm, "default"), WithJsonSchema(_pattern(_ALGORITHM))]
SysctlValue = Annotated[
    str, text(_sysctl_value, "0"), WithJsonSchema({"type": ["string", "number"]})
]
InterfaceName = Annotated[
    str | None, text(names.interface, "lte"), WithJsonSchema(_pattern(names.INTERFACE))
]
OneAddress = Annotated[
    addressing.Address | None,
    text(addressing.address, "10.0.1.10"),
    WithJsonSchema(_ADDRESS_SCHEMA),
]
Listed = BeforeValidator(_listed_mappings)
"""Of a list whose entries are mappings."""

HostNames = Annotated[tuple[_HostName, ...], BeforeValidator(listed), _some(HOST_SCHEMA)]
Subnets = Annotated[tuple[_Subnet, ...], BeforeValidator(listed), _some(_SUBNET_SCHEMA)]
Addresses = Annotated[tuple[_Address, ...], BeforeValidator(listed), _some(_ADDRESS_SCHEMA)]
EndNames = Annotated[
    tuple[_EndName, _EndName], BeforeValidator(_pair), WithJsonSchema(_ENDS_SCHEMA)
]
