"""Whether each part of a topology has the right keys and kinds of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from lab.model import boxes
from lab.model.bursts import Bursts
from lab.model.nodes import Router, Rule, Switch
from lab.model.problem import KeyPath, Problem
from lab.model.settings import Endpoint, Limits
from lab.model.topology import Host, Link, Shaping, Topology
from lab.model.wording import Form, keys_of


def misshapen(data: object) -> Iterator[Problem]:
    """What is wrong with single keys and values; ``data`` is made of dict, list, str and None."""
    return Form(Topology, "a topology", keys).misfits(data)


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
    return keys_of(_MODELS[path[::2]])
