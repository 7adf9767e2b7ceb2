"""A part of a page: made by a function that may find the run damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.errors import LabError


@dataclass(frozen=True)
class Section:
    """What a template shows below a heading."""

    name: str
    """A word: the place that links lead to."""
    title: str
    template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Sentences of what is missing, and why."""


def built(name: str, title: str, build: Callable[[str, str], Section]) -> Section:
    """The section, or why there is none: a damaged run is a page that says so."""
    try:
        return build(name, title)
    except (LabError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        kind = "" if isinstance(error, LabError) else f"{type(error).__name__}: "
        return Section(name, title, notes=(f"this part cannot be shown: {kind}{error}",))
