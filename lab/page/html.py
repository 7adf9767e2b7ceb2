"""Jinja2 with everything escaped, and nothing hidden in what came from outside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lab.page.text import shown

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, values: Mapping[str, Any]) -> str:
    """The page that a template makes of values; only ``Markup`` is not escaped."""
    return _environment().get_template(template).render(values)


def _environment() -> Environment:
    made = Environment(
        autoescape=True,
        finalize=_printed,
        loader=FileSystemLoader(TEMPLATES),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters["clock"] = lambda seconds: f"{seconds:.4f}"
    made.filters["short"] = shown
    return made


def _printed(value: Any) -> Any:
    """What a template prints: nothing for None, and text with nothing hidden."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else shown(value)
