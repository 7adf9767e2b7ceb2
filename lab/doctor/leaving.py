"""Whether a packet leaves by the interface that has its source address."""

from __future__ import annotations

import os
from collections.abc import Iterator
from socket import AF_INET, AF_INET6

from lab.doctor import routes
from lab.doctor.finding import Command, Finding
from lab.doctor.packet import Packet
from lab.doctor.routes import Hop, Refusal
from lab.doctor.state import Address, Interface, State
from lab.routing import MAIN_TABLE


def leaving(
    state: State, packet: Packet, answer: Hop | Refusal, router: Address | None = None
) -> Iterator[Finding]:
    """What is wrong with the kernel's answer to where a packet of this host goes.

    ``router``: what is known to be behind the interface that has its source address.
    """
    owner = state.owner(packet.source)
    if owner is None:
        what = f"{packet.source} is not an address of this host"
        yield Finding("endpoint", state.name, what)
        return
    if isinstance(answer, Hop) and answer.interface in ("", owner.name):
        return
    if not owner.up:
        yield _down(state, owner)
        return
    if isinstance(answer, Refusal):
        what = f"no route for {packet} ({os.strerror(answer.errno)})"
    else:
        what = f"{packet} leaves by {answer.interface}; its source is the address of {owner.name}"
    advice, commands = _mended(owner, packet, router)
    yield Finding("route", state.name, what, advice, commands)


def _down(state: State, owner: Interface) -> Finding:
    what = f"the interface {owner.name} is down"
    command = ("ip", "link", "set", "dev", owner.name, "up")
    advice = "set it up, and give it back the routes that it lost"
    return Finding("interface", state.name, what, advice, (command,))


def _mended(
    owner: Interface, packet: Packet, router: Address | None
) -> tuple[str, tuple[Command, ...]]:
    """A rule for this source, and a table with the way out by its own interface."""
    source, name = packet.source, owner.name
    ip: Command = ("ip",) if source.version == 4 else ("ip", "-6")
    found = routes.tables(name, AF_INET if source.version == 4 else AF_INET6)
    ruled = routes.ruled(source)
    own = next((table for table in found if table != MAIN_TABLE), None)
    if ruled is None and own is not None:
        advice = f"give packets from {source} the table that leads out by {name}"
        return advice, ((*ip, "rule", "add", "from", str(source), "table", str(own)),)
    gateway = router or next(iter(found.values()), None)
    if gateway is None:
        return f"give packets from {source} a way out by {name}, whose router is not known", ()
    table = ruled or routes.free_table()
    destination = str(packet.destination) if table in found else "default"
    way = ("via", str(gateway), "dev", name, "table", str(table))
    route: Command = (*ip, "route", "replace", destination, *way)
    if ruled:
        return f"let the table of packets from {source} lead out by {name}", (route,)
    advice = f"give packets from {source} a routing table of their own"
    return advice, (route, (*ip, "rule", "add", "from", str(source), "table", str(table)))
