"""Why a subflow cannot appear on this machine, as far as it alone can tell."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from lab.doctor import firewall, listening, managing
from lab.doctor.arriving import CHECKED_SOURCE, filtered
from lab.doctor.finding import Finding, once
from lab.doctor.leaving import leaving
from lab.doctor.packet import Packet
from lab.doctor.routes import Hop, Refusal, ask
from lab.doctor.state import Address, State, read

SOMEWHERE = {4: ip_address("192.0.2.1"), 6: ip_address("2001:db8::1")}
"""Addresses for documentation (RFC 5737, RFC 3849): any that are far away."""


def examine_here(to: Address | None = None, port: int | None = None) -> list[Finding]:
    """Why connections of this network namespace would get no further subflow.

    ``to``: the address that they go to; without it, any that the default routes lead to.
    """
    here = read("")
    found = list(managing.initiator(here, None))
    if not here.unusable:
        if to and all(source.version != to.version for source in here.addresses):
            what = f"it has no IPv{to.version} address, so that nothing leaves for {to}"
            found.append(Finding("route", "", what, "give it one, or name another address"))
        for source in here.addresses:
            target = to or SOMEWHERE[source.version]
            if target.version == source.version:
                found += _path(here, Packet(source, target, port=port))
        found += listening.judge(here, here.addresses, None)
    return once([*found, *firewall.unreadable("")])


def _path(here: State, packet: Packet) -> Iterator[Finding]:
    """Where a SYN from this source goes, and whether the answer to it is taken."""
    hop = ask(packet.destination, packet.source)
    yield from leaving(here, packet, hop)
    if isinstance(hop, Hop) and hop.interface:
        yield from _firewall(packet, hop)
    owner = here.owner(packet.source)
    if owner and owner.up:
        answer = Packet(packet.destination, packet.source, answer=True, port=packet.port)
        taken = ask(answer.destination, answer.source, owner.name)
        strict = filtered("", answer, owner.name)
        if isinstance(taken, Refusal) and taken.errno in CHECKED_SOURCE and strict:
            yield strict


def _firewall(packet: Packet, hop: Hop) -> Iterator[Finding]:
    source, destination, port = packet.source, packet.destination, packet.port
    sent = Packet(source, destination, port=port, leaving=hop.interface)
    yield from firewall.judge("", sent)
    answer = Packet(destination, source, answer=True, port=port, arriving=hop.interface)
    yield from firewall.judge("", answer)
