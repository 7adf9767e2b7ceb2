"""The values of options: as the caller gives and takes them, and as the kernel does."""

from __future__ import annotations

import sys
from errno import EINVAL
from typing import NoReturn

from mptcpapi.errors import InvalidArgument, is_integer
from mptcpapi.subflow_options.table import Kind, Option

_INT_MIN, _UINT_MAX = -(1 << 31), (1 << 32) - 1


def encode(option: Option, value: int | bytes) -> bytes:
    """What the kernel gets. An int may be given signed or unsigned, a name with its end or without.

    :raises InvalidArgument: it is not a value of this option
    """
    if isinstance(value, int):
        return _encode_integer(option, value)
    if not isinstance(value, bytes | bytearray):
        _refuse(option, f"int or bytes, not {type(value).__name__}")
    if option.kind is Kind.NAME:
        name = bytes(value).rstrip(b"\0")
        if len(name) >= option.size:
            _refuse(option, f"a name of at most {option.size - 1} bytes, not {name!r}")
        return name.ljust(option.size, b"\0")
    if len(value) != option.size:
        _refuse(option, f"{option.size} bytes, not {len(value)}")
    return bytes(value)


def _encode_integer(option: Option, value: int) -> bytes:
    if option.kind is Kind.NAME:
        _refuse(option, f"a name in bytes, not {value}")
    if not _INT_MIN <= value <= _UINT_MAX:
        _refuse(option, f"an integer of 32 bits, not {value}")
    return (value & _UINT_MAX).to_bytes(option.size, sys.byteorder)


def decode(option: Option, value: bytes, length: int | None) -> int | bytes:
    """What the caller gets: an int, or at most ``length`` bytes if that is given."""
    if length is not None:
        return value[:length]
    return int.from_bytes(value, sys.byteorder, signed=option.size == 4)


def check_length(option: Option, length: int | None) -> None:
    """Refuse what cannot be a length, and an int where the option is none.

    :raises InvalidArgument: the text says what it should be
    """
    if length is None:
        if option.kind is Kind.NAME or option.size > 8:
            _refuse(option, f"a length: its value is no int but up to {option.size} bytes")
    elif not is_integer(length) or length < 1:
        _refuse(option, f"a length of at least 1 byte, not {length!r}")


def _refuse(option: Option, wanted: str) -> NoReturn:
    raise InvalidArgument(EINVAL, f"{option.name} takes {wanted}")
