"""Whether each part of a topology has the right keys and kinds of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from lab.model import boxes, names
from lab.model.bursts import Bursts
from lab.model.fields import kind
from lab.model.nodes import Router, Rule, Switch
from lab.model.problem import KeyPath, Problem
from lab.model.settings import Endpoint, Limits
from lab.model.topology import Host, Link, Shaping, Topology


def misshapen(data: object) -> Iterator[Problem]:
    """What is wrong with single keys and values; ``data`` is made of dict, list, str and None."""
    try:
        Topology.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            yield _problem(detail)


def _problem(detail: Mapping[str, Any]) -> Problem:
    """In our words: pydantic's are about Python, not about the file."""
    path: KeyPath = detail["loc"]
    match detail["type"]:
        case "topology":
            return Problem(path, detail["msg"])
        case "extra_forbidden":
            word = str(path[-1])
            hint = names.hint(word, keys(path[:-1]))
            return Problem(path, f"unknown key {names.shown(word)} ({hint})", at_key=True)
        case "missing":
            message = f"{_whose(path[:-1])} needs the key {path[-1]!r}"
            return Problem(path[:-1], message, at_key=True)
        case _:
            return Problem(path, _not_a_mapping(path, detail["input"]), at_key=True)


def _whose(path: KeyPath) -> str:
    if path and isinstance(path[-1], int):
        return f"entry {path[-1] + 1} of {names.shown(path[-2])}"
    return names.shown(path[-1]) if path else "a topology"


def _not_a_mapping(path: KeyPath, value: object) -> str:
    if value is None and path:
        return f"{_whose(path)} has no value; a mapping without keys is written {{}}"
    return f"{_whose(path)} is a mapping (key: value), not {kind(value)}"


_MODELS: Mapping[KeyPath, type[BaseModel]] = {
    (): Topology,
    ("hosts",): Host,
    ("hosts", "endpoints"): Endpoint,
    ("hosts", "limits"): Limits,
    ("routers",): Router,
    ("routers", "firewall"): Rule,
    ("switches",): Switch,
    ("links",): Link,
    ("links", "there"): Shaping,
    ("links", "back"): Shaping,
    ("links", "loss"): Bursts,
    ("links", "middlebox"): boxes.Middlebox,
    **{("links", "middlebox", kind): model for kind, model in boxes.Middlebox.kinds().items()},
}
"""What stands at a place; names and numbers, every second part of a path, are left out."""


def keys(path: KeyPath) -> list[str]:
    """The keys that the format knows at a place."""
    if path[:1] == ("links",) and len(path) > 3 and path[2] in ("there", "back"):
        path = path[:2] + path[3:]  # what is in a direction is as what is beside it
    fields = _MODELS[path[::2]].model_fields
    return [field.alias or name for name, field in fields.items()]
