"""Whether the settings of each host fit together, and fit its links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lab.errors import UsageError
from lab.model import endpoints, names, placing
from lab.model.problem import KeyPath, Problem
from lab.model.reading import entries, mapping
from lab.model.settings import SYSCTLS

Data = Mapping[str, object]

_OF_AN_INTERFACE = re.compile(r"net\.ipv[46]\.(?:conf|neigh)\.([^.]+)\.")
_NOT_LINKS = ("all", "default", "lo")


def misfits(data: Data) -> Iterator[Problem]:
    """What does not fit together in the settings of the hosts of a whole topology."""
    addresses = placing.addresses(data)
    for path, host in entries(data, "hosts"):
        interfaces = addresses.get(str(path[-1]), {})
        yield from endpoints.misfits(path, mapping(host), interfaces)
        yield from _sysctls(path, mapping(host), interfaces)


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
