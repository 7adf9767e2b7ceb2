"""Differences in sentences."""

from __future__ import annotations

import math

from lab.statistic.compared import Conclusion, Difference
from lab.statistic.interval import CONFIDENCE, Interval

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
_SCALED = {"bit/s": (1.0, 1e9), "s": (1e-9, 1.0), "byte": (1.0, 1e9)}
"""Units that take a prefix, and the least and the greatest of those that people use with them."""

_WORDS = {"bit/s": ("slower", "faster"), "s": ("shorter", "longer")}
"""Below and above, by unit."""

_TIMES = 2.0
"""A ratio from which it is said as such; below it is said in per cent."""


def amount(value: float, unit: str = "") -> str:
    """A value as people write it: ``12.3 Mbit/s``, ``431 ms``, ``3``."""
    factor, prefix = _prefix(value, unit)
    return f"{_rounded(value / factor)} {prefix}{'B' if unit == 'byte' else unit}".rstrip()


def _prefix(value: float, unit: str) -> tuple[float, str]:
    if unit not in _SCALED or not value:
        return 1.0, ""
    least, most = _SCALED[unit]
    allowed = [pair for pair in _PREFIXES if least <= pair[0] <= most]
    return next((pair for pair in allowed if abs(value) >= pair[0] * 0.9995), allowed[-1])


def _rounded(value: float) -> str:
    """Whole numbers as they are, others with three digits, and more only before the point."""
    if value == round(value):
        return f"{value:.0f}"
    digits = 2 - math.floor(math.log10(abs(value)))
    text = f"{round(value, digits):.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def sentence(
    found: Difference, unit: str = "", better: str | None = None,
    names: tuple[str, str] = ("A", "B"),
) -> str:  # fmt: skip
    """What is known of the second sample against the first, whose names are ``names``.

    ``better`` is ``"higher"`` or ``"lower"`` for figures of which one is.
    """
    if found.conclusion is Conclusion.TOO_FEW:
        return f"too few to tell: {found.reason}"
    if found.conclusion is Conclusion.SAME:
        return found.reason
    if found.conclusion is Conclusion.NOISE:
        return f"no difference that repetition would not explain ({_range(found, unit)})"
    first, second = names
    return f"{second} is {_apart(found, unit, first)}{_judgement(found, better)}"


def _judgement(found: Difference, better: str | None) -> str:
    if better is None:
        return ""
    return ": better" if found.higher == (better == "higher") else ": worse"


def _apart(found: Difference, unit: str, first: str) -> str:
    """How far it is, and the interval, with numbers that need no sign."""
    word = _WORDS.get(unit, ("lower", "higher"))[found.higher]
    ratio = found.ratio
    if ratio is None:
        return f"{amount(abs(found.shift.median), unit)} {word}, {_between(found.shift, unit)}"
    if ratio.median >= _TIMES:
        return f"{_rounded(ratio.median)} times {first}, {_between(ratio)}"
    percent = _percent(ratio)
    turned = percent if found.higher else percent.turned()
    return f"{_share(abs(percent.median))} % {word}, {_between(turned, '%')}"


def _range(found: Difference, unit: str) -> str:
    """The difference with its sign."""
    if found.ratio is None:
        return f"{amount(found.shift.median, unit)}, {_between(found.shift, unit)}"
    percent = _percent(found.ratio)
    return f"{_share(percent.median)} %, {_between(percent, '%')}"


def _share(percent: float) -> str:
    """A tenth of a per cent counts below ten only."""
    return f"{percent:.0f}" if abs(percent) >= 9.95 else f"{percent:.1f}".removesuffix(".0")


def _percent(ratio: Interval) -> Interval:
    return ratio.map(lambda value: (value - 1) * 100)


def _between(interval: Interval, unit: str = "") -> str:
    if interval.low is None or interval.high is None:
        return "no interval"
    low, high = interval.low, interval.high
    if unit == "%":
        ends = f"{_share(low)} to {_share(high)} %"
    else:
        ends = f"{amount(low, unit)} to {amount(high, unit)}"
    return f"{CONFIDENCE * 100:g} % interval {ends}"
