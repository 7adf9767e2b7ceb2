"""Whether the settings of each host fit together, and fit its links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lab.errors import UsageError
from lab.model import addressing, endpoints, names
from lab.model.problem import KeyPath, Problem
from lab.model.reading import entries, mapping, readable, texts
from lab.model.settings import SYSCTLS

Data = Mapping[str, object]

_OF_AN_INTERFACE = re.compile(r"net\.ipv[46]\.(?:conf|neigh)\.([^.]+)\.")
_NOT_LINKS = ("all", "default", "lo")


def misfits(data: Data) -> Iterator[Problem]:
    """What does not fit together in the settings of the hosts of a whole topology."""
    for path, host in entries(data, "hosts"):
        interfaces = _interfaces(data, str(path[-1]))
        yield from endpoints.misfits(path, mapping(host), interfaces)
        yield from _sysctls(path, mapping(host), interfaces)


def _interfaces(data: Data, host: str) -> dict[str, list[addressing.Address]]:
    """The addresses of a host by interface, as far as they can be read."""
    found: dict[str, list[addressing.Address]] = {}
    for _, value in entries(data, "links"):
        link = mapping(value)
        ends = readable(names.split_end, texts((), link.get("ends")))
        for number, (_, end) in enumerate(ends):
            if end.node == host:
                found[end.interface] = _assigned(link, end, number % 2)
    return found


def _assigned(link: Data, end: names.EndName, number: int) -> list[addressing.Address]:
    subnets = [each.value for each in readable(addressing.subnet, texts((), link.get("subnet")))]
    written = texts((), mapping(link.get("addresses")).get(str(end)))
    chosen = [each.value for each in readable(addressing.address, written)]
    return [interface.ip for interface in addressing.assign(subnets, chosen, number)]


def _sysctls(path: KeyPath, host: Data, interfaces: Mapping[str, object]) -> Iterator[Problem]:
    for name in mapping(host.get("sysctls")):
        message = _mistake(name, interfaces)
        if message:
            yield Problem((*path, "sysctls", name), message, at_key=True)


def _mistake(name: str, interfaces: Mapping[str, object]) -> str:
    """What is wrong with the name of a sysctl; nothing, if that is nothing."""
    try:
        names.sysctl(name)
    except UsageError as error:
        return str(error)
    if name in SYSCTLS:
        return f"{names.shown(name)} has a key of its own: {SYSCTLS[name]}"
    match = _OF_AN_INTERFACE.match(name)
    interface = match[1].replace("/", ".") if match else "all"
    if interface not in (*interfaces, *_NOT_LINKS):
        return f"no interface {names.shown(interface)} here ({names.hint(interface, interfaces)})"
    return ""
