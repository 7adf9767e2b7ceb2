"""A scalar that a run has measured: what tables, comparisons and reports are made of."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, get_args

from lab.errors import UsageError

Better = Literal["higher", "lower"]


class Figure(NamedTuple):
    """One scalar, with its unit."""

    value: float
    unit: str
    """SI, as ``bit/s``, ``s``, ``byte``; empty for a plain number."""
    better: Better | None = None
    """Which direction is an improvement; None if neither is."""


def figure(name: str, value: float, unit: str, better: str | None = None) -> Figure:
    """Check what a scenario says that it has measured.

    :raises UsageError: it is no number, or the name or ``better`` are not what they can be.
    """
    where = f"the figure {name!r}"
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"{where} needs a name, as 'goodput'")
    if not isinstance(unit, str):
        raise UsageError(f"{where} needs a unit, as 'bit/s' ('' for a plain number), not {unit!r}")
    if better not in (None, *get_args(Better)):
        raise UsageError(f"{where}: better is {better!r} (known: 'higher', 'lower', None)")
    return Figure(_number(value, where), unit, better)  # type: ignore[arg-type]


def is_number(value: Any) -> bool:
    """Whether it is a finite number, as a float has them; True and False are none."""
    try:
        return not isinstance(value, bool | str) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _number(value: Any, where: str) -> float:
    """The value as a float or int of Python, whatever library it comes from."""
    if not is_number(value):
        raise UsageError(f"{where} needs a finite number, not {value!r}")
    return value if isinstance(value, int) else float(value)
