"""Whether the endpoints and limits of a host can be set, and make subflows.

What the kernel refuses is written in net/mptcp/pm_kernel.c (pm_netlink.c before Linux 6.16).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lab.errors import UsageError
from lab.model import addressing, names
from lab.model.fields import MOST_SUBFLOWS
from lab.model.problem import KeyPath, Problem
from lab.model.reading import Found, mapping, texts

Keys = Mapping[str, object]
Interfaces = Mapping[str, Sequence[addressing.Address]]
"""Addresses of a host by interface."""

OPENING = frozenset({"subflow", "fullmesh", "laminar"})
"""Flags of endpoints from which subflows are opened."""

_CLASH = frozenset({"signal", "fullmesh"})


def misfits(path: KeyPath, host: Keys, interfaces: Interfaces) -> Iterator[Problem]:
    """What does not fit together in the host at ``path``."""
    endpoints = _endpoints(path, host)
    yield from _of_no_use(path, host)
    for found in endpoints:
        yield from _place(found, interfaces)
        yield from _refused_flags(found)
    yield from _repeated(endpoints, interfaces)
    yield from _limits((*path, "limits"), mapping(host.get("limits")), endpoints)


def _endpoints(path: KeyPath, host: Keys) -> list[Found[Keys]]:
    written = host.get("endpoints")
    entries = written if isinstance(written, list) else []
    return [Found((*path, "endpoints", i), mapping(entry)) for i, entry in enumerate(entries)]


def _flags(endpoint: Keys) -> set[str]:
    return {flag for _, flag in texts((), endpoint.get("flags"))}


def _of_no_use(path: KeyPath, host: Keys) -> Iterator[Problem]:
    if host.get("path_manager") != "userspace":
        return
    for key in ("endpoints", "limits"):
        if key in host:
            message = f"the userspace path manager knows no {key}: they are the kernel's"
            yield Problem((*path, key), message, at_key=True)


def _place(found: Found[Keys], interfaces: Interfaces) -> Iterator[Problem]:
    """An endpoint is an interface or an address of its host."""
    path, endpoint = found
    if ("interface" in endpoint) == ("address" in endpoint):
        if endpoint:
            yield Problem(path, "an endpoint has either an interface or an address")
        return
    name = endpoint.get("interface")
    if isinstance(name, str) and name not in interfaces:
        hint = names.hint(name, interfaces)
        yield Problem((*path, "interface"), f"no interface {names.shown(name)} here ({hint})")
    addresses = [address for each in interfaces.values() for address in each]
    for place, address in _addresses(found, interfaces):
        if address not in addresses:
            known = ", ".join(map(str, addresses)) or "none"
            yield Problem(place, f"{address} is no address of this host (known: {known})")


def _refused_flags(found: Found[Keys]) -> Iterator[Problem]:
    path, endpoint = found
    flags = _flags(endpoint)
    if flags >= _CLASH:
        message = "the kernel refuses signal together with fullmesh: write two endpoints"
        yield Problem((*path, "flags"), message)
    if flags == {"backup"}:
        message = f"backup alone makes no subflow: add signal or {' or '.join(sorted(OPENING))}"
        yield Problem((*path, "flags"), message)
    if "port" in endpoint and ("signal" not in flags or "subflow" in flags):
        message = "a port is announced: the kernel wants the flag signal with it, and no subflow"
        yield Problem((*path, "port"), message, at_key=True)


def _repeated(endpoints: list[Found[Keys]], interfaces: Interfaces) -> Iterator[Problem]:
    owners: dict[tuple[addressing.Address, object], KeyPath] = {}
    ids: set[object] = set()
    for found in endpoints:
        addresses = _addresses(found, interfaces)
        for path, address in addresses:
            if owners.setdefault((address, found.value.get("port")), found.path) != found.path:
                yield Problem(path, f"{address} is an endpoint already")
        number, path = found.value.get("id"), (*found.path, "id")
        if number is not None and len(addresses) > 1:
            yield Problem(path, f"an id is of one address; this interface has {len(addresses)}")
        elif number is not None and number in ids:
            yield Problem(path, f"another endpoint has the id {names.shown(number)} already")
        ids.add(number)
    if len(owners) > MOST_SUBFLOWS:
        message = f"these are {len(owners)} addresses; the kernel takes {MOST_SUBFLOWS} endpoints"
        yield Problem(endpoints[0].path[:-1], message, at_key=True)


def _addresses(found: Found[Keys], interfaces: Interfaces) -> list[Found[addressing.Address]]:
    """What can be read of the addresses of an endpoint."""
    path, endpoint = found
    name, text = endpoint.get("interface"), endpoint.get("address")
    if isinstance(name, str):
        return [Found((*path, "interface"), each) for each in interfaces.get(name, ())]
    try:
        address = addressing.address(text) if isinstance(text, str) else None
    except UsageError:
        address = None
    return [Found((*path, "address"), address)] if address else []


def _limits(path: KeyPath, limits: Keys, endpoints: list[Found[Keys]]) -> Iterator[Problem]:
    none = limits.get("subflows") == "0"
    accepted = limits.get("add_addr_accepted", "0")  # 0 is the kernel's default
    if none and accepted != "0":
        message = "with 0 subflows no announced address is accepted"
        yield Problem((*path, "add_addr_accepted"), message)
    for each, endpoint in endpoints:
        flags = _flags(endpoint)
        opening = ", ".join(sorted(flags & OPENING))
        if not opening or flags >= _CLASH:
            continue
        if none:
            message = f"limits of 0 subflows: this endpoint ({opening}) opens none"
            yield Problem((*each, "flags"), message)
        elif accepted == "0" and "subflow" not in flags:
            message = (
                f"{opening} without subflow opens subflows to announced addresses only: it needs "
                "limits: {add_addr_accepted: 1} or more"
            )
            yield Problem((*each, "flags"), message)
