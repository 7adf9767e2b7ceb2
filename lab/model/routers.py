"""Whether what is written for routers fits together with their links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from lab.model import names
from lab.model.problem import KeyPath, Problem
from lab.model.reading import Found, entries, mapping, readable, texts

Data = Mapping[str, object]


def misfits(data: Data) -> Iterator[Problem]:
    """What does not fit together about routers."""
    interfaces: defaultdict[str, list[str]] = defaultdict(list)
    for path, link in entries(data, "links"):
        for _, end in readable(names.split_end, texts(path, mapping(link).get("ends"))):
            interfaces[end.node].append(end.interface)
    for path, router in entries(data, "routers"):
        yield from _strangers(path, mapping(router), interfaces[str(path[1])])
        yield from _needless_timeout(path, mapping(router))


def _strangers(path: KeyPath, router: Data, interfaces: list[str]) -> Iterator[Problem]:
    for place, name in readable(names.interface, [*_named(path, router)]):
        if name not in interfaces:
            message = (
                f"{names.shown(path[1])} has no interface {names.shown(name)} "
                f"({names.hint(name, interfaces)})"
            )
            yield Problem(place, message)


def _named(path: KeyPath, router: Data) -> Iterator[Found[str]]:
    """The interfaces that NAT and firewall speak of."""
    yield from texts((*path, "nat"), router.get("nat"))
    rules = router.get("firewall")
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        for key in ("from", "to"):
            value = mapping(rule).get(key)
            if isinstance(value, str):
                yield Found((*path, "firewall", number, key), value)


def _needless_timeout(path: KeyPath, router: Data) -> Iterator[Problem]:
    if "idle_timeout" not in router or "nat" in router:
        return
    rules = router.get("firewall", [])
    if isinstance(rules, list) and all(
        isinstance(rule, dict) and rule.get("packets", "syn") == "syn" for rule in rules
    ):
        message = (
            "the router knows of no connections: it has neither nat nor a rule for new packets"
        )
        yield Problem((*path, "idle_timeout"), message, at_key=True)
