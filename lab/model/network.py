"""Whether the hosts, routers, switches and links of a topology fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lab.errors import UsageError
from lab.model import addressing, names
from lab.model.problem import KeyPath, Problem
from lab.model.reading import Found, entries, mapping, readable, texts

Data = Mapping[str, object]

_NOT_NODES = frozenset({"topology", "name", "links"})
"""The keys that name no nodes; a misspelled one may."""


def misfits(data: Data) -> Iterator[Problem]:
    """What does not fit together in a whole topology."""
    if data.get("hosts") == {}:
        yield Problem(("hosts",), "a topology needs at least one host", at_key=True)
    yield from _bad_names(data)
    yield from _shared_names(data)
    yield from _unknown_nodes(data)
    yield from _shared_interfaces(data)
    yield from _overlaps(data)


def _bad_names(data: Data) -> Iterator[Problem]:
    rules: dict[str, Callable[[str], str]] = {
        "hosts": names.host,
        "routers": names.host,
        "switches": names.host,
        "links": names.label,
    }
    for section, rule in rules.items():
        for name in mapping(data.get(section)):
            try:
                rule(name)
            except UsageError as error:
                yield Problem((section, name), str(error), at_key=True)


def _shared_names(data: Data) -> Iterator[Problem]:
    """Host names mean the same in any case (RFC 1035 section 2.3.3)."""
    taken: set[str] = set()
    for path, name, at_key in _host_names(data):
        if name.casefold() in taken:
            message = f"the name {names.shown(name)} is taken (upper and lower case are the same)"
            yield Problem(path, message, at_key)
        taken.add(name.casefold())


def _host_names(data: Data) -> Iterator[tuple[KeyPath, str, bool]]:
    hosts = entries(data, "hosts")
    for path, _ in [*hosts, *entries(data, "routers"), *entries(data, "switches")]:
        yield path, str(path[-1]), True
    for path, host in hosts:
        for alias in texts((*path, "aliases"), mapping(host).get("aliases")):
            yield *alias, False


def _unknown_nodes(data: Data) -> Iterator[Problem]:
    sections = [value for key, value in data.items() if key not in _NOT_NODES]
    if not all(isinstance(section, dict | list) for section in sections):
        return  # what cannot be read may have named some nodes
    nodes = sorted({name for section in sections for name in _node_names(section)})
    known = set(nodes)
    for path, end in _ends(data):
        if end.node not in known:
            hint = names.hint(end.node, nodes)
            yield Problem(path, f"unknown node {names.shown(end.node)} ({hint})")


def _node_names(section: object) -> list[str]:
    """The names in a section, be it a mapping as it should or a list."""
    return [*mapping(section), *(name for _, name in texts((), section))]


def _shared_interfaces(data: Data) -> Iterator[Problem]:
    owners: dict[names.EndName, KeyPath] = {}
    for path, end in _ends(data):
        owner = owners.setdefault(end, path)
        if owner != path:
            message = f"{names.shown(str(end))} is an end of link {names.shown(owner[1])} already"
            yield Problem(path, message)


def _ends(data: Data) -> Iterator[Found[names.EndName]]:
    for path, link in entries(data, "links"):
        written = texts((*path, "ends"), mapping(link).get("ends"))
        yield from readable(names.split_end, written)


def _overlaps(data: Data) -> Iterator[Problem]:
    """Two subnets overlap only if one contains the other; in order, the larger comes first."""
    found = [
        subnet
        for path, owner in [*entries(data, "links"), *entries(data, "switches")]
        for subnet in readable(
            addressing.subnet, texts((*path, "subnet"), mapping(owner).get("subnet"))
        )
    ]
    larger: int | None = None
    for i in sorted(range(len(found)), key=lambda i: addressing.order(found[i].value)):
        if larger is None or not found[i].value.overlaps(found[larger].value):
            larger = i
            continue
        first, second = found[min(i, larger)], found[max(i, larger)]
        kind = "link" if first.path[0] == "links" else "switch"
        message = (
            f"subnet {second.value} overlaps {first.value} of {kind} {names.shown(first.path[1])}"
        )
        yield Problem(second.path, message)
