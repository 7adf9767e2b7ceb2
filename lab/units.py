"""Quantities with units: text such as ``10 Mbit/s`` at the edge, SI values inside.

A quantity is a decimal number and a unit, with or without spaces between them. Each parser raises
:class:`~lab.errors.UsageError` for anything else: a bare number, an exponent, ``nan``, a value out
of range. Prefixes are decimal: 1 kB is 1000 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

from lab.errors import UsageError

_LONGEST = 40
"""characters of a quantity; no sensible one comes near."""

_QUANTITY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) *(\S+)")


@dataclass(frozen=True, slots=True)
class Scale:
    """The units of one kind of quantity, and the range that makes sense."""

    factors: Mapping[str, Decimal]
    """What one of each unit is in SI units; the first unit is the smallest."""
    least: Decimal
    """The smallest value, in SI units."""
    most: Decimal
    """The largest value, in SI units."""
    step: int | None = None
    """What the SI value must be a multiple of; None allows any fraction."""

    def parse(self, text: str) -> Decimal:
        """The SI value of ``text``.

        :raises UsageError: ``text`` is not a quantity of this kind, or is out of range.
        """
        number, unit = _split(text)
        if unit not in self.factors:
            raise _needs_a_unit(text, self.factors)
        value = Decimal(number) * self.factors[unit]
        if not self.least <= value <= self.most:
            span = f"{self.text(self.least)} to {self.text(self.most)}"
            raise UsageError(f"{text!r} is out of range ({span})")
        if self.step and value % self.step:
            raise UsageError(f"{text!r} is not {self._multiple()}")
        return value

    def _multiple(self) -> str:
        unit = next(iter(self.factors))
        return (
            f"a whole number of {unit}" if self.step == 1 else f"a multiple of {self.step} {unit}"
        )

    def text(self, value: Decimal) -> str:
        """``value`` in the largest unit that it fills; :meth:`parse` undoes it."""
        filled = (unit for unit, factor in self.factors.items() if value >= factor)
        unit = max(filled, key=self.factors.__getitem__, default=next(iter(self.factors)))
        return f"{(value / self.factors[unit]).normalize():f} {unit}"


def _split(text: object) -> tuple[str, str]:
    """Number and unit, or two empty strings when ``text`` has another form."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return "", ""
    match = _QUANTITY.fullmatch(text)
    return (match[1], match[2]) if match else ("", "")


def _needs_a_unit(text: object, units: Mapping[str, object]) -> UsageError:
    shown = repr(text)
    if len(shown) > _LONGEST:
        shown = f"{shown[:_LONGEST]}…"
    number, written = _split(text)
    by_lower_case = {unit.lower(): unit for unit in units}
    near = get_close_matches(written.lower(), by_lower_case, 1, cutoff=0.5)
    question = f"did you mean '{number} {by_lower_case[near[0]]}'? known: " if near else ""
    return UsageError(f"{shown} needs a number and a unit ({question}{', '.join(units)})")


def _factors(**factors: str) -> dict[str, Decimal]:
    return {unit: Decimal(factor) for unit, factor in factors.items()}


_BITS_PER_SECOND = _factors(**{"bit/s": "1", "kbit/s": "1e3", "Mbit/s": "1e6", "Gbit/s": "1e9"})
_SECONDS = _factors(us="1e-6", ms="1e-3", s="1")
_BYTES = _factors(B="1", kB="1e3", MB="1e6", GB="1e9")
_PACKETS = _factors(packets="1")

# The kernel's shapers count whole bytes per second.
_RATE = Scale(_BITS_PER_SECOND, least=Decimal(8), most=Decimal("1e12"), step=8)
_DURATION = Scale(_SECONDS, least=Decimal(0), most=Decimal(3600))
_SHARE = Scale(_factors(**{"%": "0.01"}), least=Decimal(0), most=Decimal(1))
_SIZE = Scale(_BYTES, least=Decimal(1), most=Decimal("1e12"), step=1)
# From the least of IPv4 (RFC 791) to the payload of an Ethernet frame.
_MTU = Scale(_factors(B="1"), least=Decimal(68), most=Decimal(1500), step=1)

_AMOUNT_PACKETS = Scale(_PACKETS, least=Decimal(1), most=Decimal("1e12"), step=1)

# The kernel's queues have limits of 32 bits.
_QUEUE_PACKETS = Scale(_PACKETS, least=Decimal(1), most=Decimal("1e6"), step=1)
_QUEUE_BYTES = Scale(_BYTES, least=Decimal(1), most=Decimal("4e9"), step=1)
_QUEUE_TIME = Scale(_SECONDS, least=Decimal("1e-6"), most=Decimal(3600))
_QUEUE_UNITS = _PACKETS | _BYTES | _SECONDS


@dataclass(frozen=True, slots=True)
class Queue:
    """How much may wait in front of a busy link; exactly one field is set."""

    packets: int | None = None
    """packets, whatever their size"""
    bytes: int | None = None
    """bytes"""
    seconds: float | None = None
    """seconds that the last packet of a full queue waits at the link's rate"""

    def __str__(self) -> str:
        if self.packets is not None:
            return _QUEUE_PACKETS.text(Decimal(self.packets))
        if self.bytes is not None:
            return size_text(self.bytes)
        return duration_text(self.seconds or 0.0)


@dataclass(frozen=True, slots=True)
class Amount:
    """Some of a flow; exactly one field is set."""

    packets: int | None = None
    """packets, whatever their size"""
    bytes: int | None = None
    """bytes"""


def rate(text: str) -> int:
    """bit/s of a text such as ``10 Mbit/s``."""
    return int(_RATE.parse(text))


def duration(text: str) -> float:
    """Seconds of a text such as ``5 ms``."""
    return float(_DURATION.parse(text))


def share(text: str) -> float:
    """The fraction, 0.0 to 1.0, of a text such as ``0.1 %``."""
    return float(_SHARE.parse(text))


def chance(text: str) -> float:
    """The fraction of a text such as ``5 %``, for what happens at some time: more than 0.0."""
    value = share(text)
    if not value:
        raise UsageError(f"{text!r}: it would never happen; write more than 0 %")
    return value


def mtu(text: str) -> int:
    """Octets of a text such as ``1400 B``, the largest IP packet of an Ethernet link."""
    return int(_MTU.parse(text))


def size(text: str) -> int:
    """Bytes of a text such as ``2 MB``."""
    return int(_SIZE.parse(text))


def queue(text: str) -> Queue:
    """The queue of a text such as ``200 packets``, ``64 kB`` or ``50 ms``."""
    _, unit = _split(text)
    if unit in _PACKETS:
        return Queue(packets=int(_QUEUE_PACKETS.parse(text)))
    if unit in _BYTES:
        return Queue(bytes=int(_QUEUE_BYTES.parse(text)))
    if unit in _SECONDS:
        return Queue(seconds=float(_QUEUE_TIME.parse(text)))
    raise _needs_a_unit(text, _QUEUE_UNITS)


def amount(text: str) -> Amount:
    """The amount of a text such as ``20 packets`` or ``100 kB``."""
    _, unit = _split(text)
    if unit in _PACKETS:
        return Amount(packets=int(_AMOUNT_PACKETS.parse(text)))
    if unit in _BYTES:
        return Amount(bytes=int(_SIZE.parse(text)))
    raise _needs_a_unit(text, _PACKETS | _BYTES)


def rate_text(bits_per_second: int) -> str:
    """A text that :func:`rate` reads back, such as ``10 Mbit/s``."""
    return _RATE.text(Decimal(bits_per_second))


def duration_text(seconds: float) -> str:
    """A text that :func:`duration` reads back, such as ``5 ms``."""
    return _DURATION.text(Decimal(repr(seconds)))


def share_text(fraction: float) -> str:
    """A text that :func:`share` reads back, such as ``0.1 %``."""
    return _SHARE.text(Decimal(repr(fraction)))


def size_text(count: int) -> str:
    """A text that :func:`size` reads back, such as ``2 MB``."""
    return _SIZE.text(Decimal(count))


def _pattern(units: Mapping[str, object]) -> str:
    return rf"^[0-9]+(\.[0-9]+)? *({'|'.join(units)})$"


PATTERNS: Final[Mapping[str, str]] = {
    "rate": _pattern(_RATE.factors),
    "duration": _pattern(_DURATION.factors),
    "share": _pattern(_SHARE.factors),
    "queue": _pattern(_QUEUE_UNITS),
    "amount": _pattern(_PACKETS | _BYTES),
    "size": _pattern(_BYTES),
    "mtu": _pattern(_MTU.factors),
}
"""Regular expressions (ECMA 262) of the texts that the parsers take, for editors."""
