"""What a topology file means: its values, and what can be wrong with them. Pure.

``problems(data)`` says what is wrong with data made of dict, list, str and None; where there is
nothing wrong, ``Topology.model_validate(data)`` makes the values. :func:`lab.load.load` does both.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.model import hosts, links, network, routers, switches
from lab.model.bursts import Bursts
from lab.model.nodes import Router, Rule, Switch
from lab.model.problem import KeyPath, Problem
from lab.model.reading import entries, mapping
from lab.model.shape import misshapen
from lab.model.topology import Direction, End, Host, Link, Topology

__all__ = [
    "Bursts",
    "Direction",
    "End",
    "Host",
    "KeyPath",
    "Link",
    "Problem",
    "Router",
    "Rule",
    "Switch",
    "Topology",
    "problems",
]


def problems(data: object) -> Iterator[Problem]:
    """Everything that is wrong with the data of a topology, in no particular order."""
    yield from misshapen(data)
    whole = mapping(data)
    yield from network.misfits(whole)
    yield from hosts.misfits(whole)
    plugged = switches.plugged(whole)
    for path, link in entries(whole, "links"):
        yield from links.misfits(path, mapping(link), on_switch=path[1] in plugged)
    yield from switches.misfits(whole)
    yield from routers.misfits(whole)
