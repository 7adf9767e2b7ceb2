"""What the path managers of two hosts would do, by their endpoints, limits and settings; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab.doctor.finding import Command, Finding
from lab.doctor.state import Address, State
from mptcpapi import AddressFlag, ManagedAddress

OPENING = AddressFlag.SUBFLOW | AddressFlag.FULLMESH | AddressFlag.LAMINAR
"""Flags of endpoints from which subflows are opened."""

_USERSPACE = "userspace"
_ENDPOINT: Command = ("ip", "mptcp", "endpoint")
_LIMITS: Command = ("ip", "mptcp", "limits", "set")


def initiator(here: State, there: State | None) -> Iterator[Finding]:
    """Why the host that connects would open no subflow; ``there`` may be unknown."""
    if here.unusable:
        yield _unusable(here)
    elif here.path_manager == _USERSPACE:
        yield from _userspace(here, "opens no subflow until a program does it")
    else:
        yield from _limits(here, "it may have 0 subflows besides the initial one")
        yield from _endpoints(here, there)


def acceptor(here: State, there: State) -> Iterator[Finding]:
    """Why the host that is connected to would let no subflow in; ``there`` connects."""
    if here.unusable:
        yield _unusable(here)
        return
    if here.path_manager == _USERSPACE:
        yield from _userspace(here, "lets no subflow in until a program follows its events")
    else:
        yield from _limits(here, "it lets 0 subflows in besides the initial one")
    if here.deny_join and not (_announced(here) and there.limits.add_addr_accepted):
        what = "it asks for no joins to its initial address (allow_join_initial_addr_port)"
        advice = "allow them, or announce another address"
        command = ("sysctl", "-w", "net.mptcp.allow_join_initial_addr_port=1")
        yield Finding("deny_join", here.name, what, advice, (command,))


def _unusable(here: State) -> Finding:
    commands = (here.switch_on,) if here.switch_on else ()
    what, _, advice = here.unusable.partition(": ")
    return Finding("mptcp", here.name, what, advice, commands)


def _userspace(here: State, consequence: str) -> Iterator[Finding]:
    if here.followed:
        return
    unknown = " (whether one does cannot be told)" if here.followed is None else ""
    what = f"the userspace path manager is chosen, which {consequence}{unknown}"
    advice = "open subflows by a program (mptcpapi.open_subflow), or leave them to the kernel"
    command = ("sysctl", "-w", "net.mptcp.pm_type=0")
    stops = here.followed is False
    yield Finding("path_manager", here.name, what, advice, (command,), stops)


def _limits(here: State, what: str) -> Iterator[Finding]:
    if not here.limits.subflows:
        command = (*_LIMITS, "subflows", "2")
        yield Finding("limits", here.name, what, "allow some", (command,))


def _endpoints(here: State, there: State | None) -> Iterator[Finding]:
    opening = [each for each in here.endpoints if each.flags & OPENING]
    for endpoint in opening:
        yield from _usable(here, endpoint)
    announced = _announced(there) if there else ()
    waiting = [each for each in opening if not each.flags & AddressFlag.SUBFLOW]
    elsewhere = [each for each in opening if str(each.address.host) != _initial(here, each)]
    if announced and not here.limits.add_addr_accepted and (waiting or not opening):
        assert there is not None  # noqa: S101 - for the type
        what = f"it accepts none of the addresses that {there.name} announces"
        command = (*_LIMITS, "add_addr_accepted", str(min(8, len(announced) + 1)))
        yield Finding("limits", here.name, what, "accept some", (command,))
    elif not elsewhere and not announced:
        yield from _no_endpoint(here, there)


def _announced(here: State) -> tuple[ManagedAddress, ...]:
    return tuple(each for each in here.endpoints if each.flags & AddressFlag.SIGNAL)


def _initial(here: State, endpoint: ManagedAddress) -> str:
    """The address that a connection of this family begins with, as far as can be told."""
    version = 6 if ":" in endpoint.address.host else 4
    return next((str(each) for each in here.addresses if each.version == version), "")


def _usable(here: State, endpoint: ManagedAddress) -> Iterator[Finding]:
    """The kernel takes endpoints with addresses that the host does not have, and fails later."""
    if endpoint.address.host in map(str, here.addresses):
        return
    what = f"the endpoint {endpoint.id} has {endpoint.address.host}, no address of this host"
    remove = (*_ENDPOINT, "delete", "id", str(endpoint.id))
    yield Finding("endpoint", here.name, what, "put right ones there", (remove, *_add(here)))


def _no_endpoint(here: State, there: State | None) -> Iterator[Finding]:
    commands = tuple(_add(here))
    signals = [each for each in _announced(here) if not each.flags & OPENING]
    if not commands and not signals:
        own = ", ".join(map(str, here.addresses))
        what = f"it has one address in each family ({own})" if own else "it has no address"
        yield Finding("one_path", here.name, what, "a second path needs a second address")
    elif signals and there is None:
        return  # as a server has it
    elif signals:
        what = "its endpoints have the flag signal, which announces them; none opens a subflow"
        advice = "the host that connects opens subflows: give it the flag subflow"
        remove = tuple((*_ENDPOINT, "delete", "id", str(each.id)) for each in signals)
        yield Finding("flags", here.name, what, advice, (*remove, *commands))
    else:
        what = "the kernel's path manager has no endpoint besides the initial address"
        yield Finding("endpoint", here.name, what, "add one for each further address", commands)


def _add(here: State) -> Iterable[Command]:
    """Endpoints for all addresses but those that connections begin with."""
    seen: set[int] = set()
    for interface in here.interfaces.values():
        for address in interface.addresses:
            if address.version in seen and not _has(here, address):
                yield (*_ENDPOINT, "add", str(address), "dev", interface.name, "subflow")
            seen.add(address.version)


def _has(here: State, address: Address) -> bool:
    found = (each for each in here.endpoints if each.flags & OPENING)
    return any(each.address.host == str(address) for each in found)
