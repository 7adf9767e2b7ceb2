"""Why a subflow cannot appear: between two hosts of a network, or on this machine.

The kernels are asked, by netlink and /proc; nothing is changed and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from lab.build import Network
from lab.doctor import firewall, listening, managing, remarks
from lab.doctor.finding import Finding, once
from lab.doctor.here import examine_here
from lab.doctor.packet import Packet
from lab.doctor.state import Address, State
from lab.doctor.ways import Ways
from mptcpapi import AddressFlag

__all__ = ["Finding", "examine", "examine_here"]


def examine(
    network: Network, initiator: str, acceptor: str, port: int | None = None
) -> list[Finding]:
    """Why a connection from ``initiator`` to ``acceptor`` would get no further subflow.

    ``port``: at which the acceptor listens; without it, whatever listens there is looked at.

    :raises UsageError: there is no such host.
    """
    for name in (initiator, acceptor):
        network.node(name)
    ways = Ways.of(network)
    first, second = ways.states[initiator], ways.states[acceptor]
    found = [*managing.initiator(first, second), *managing.acceptor(second, first)]
    if not (first.unusable or second.unusable):
        found += _paths(ways, first, second, port)
        found += listening.judge(second, _initial(second), port)
    for host in ways.states:
        with network.node(host).stack():
            found += firewall.unreadable(host)
    return once([*found, *remarks.judge(network, ways.states)])


def _paths(ways: Ways, first: State, second: State, port: int | None) -> Iterator[Finding]:
    """Each source must reach one of its destinations, and each destination be reached by one."""
    tried = {
        (source, target): list(
            ways.judge(first.name, second.name, Packet(source, target, port=port))
        )
        for source in _sources(first)
        for target in _targets(first, second)
        if source.version == target.version
    }
    for end in dict.fromkeys(end for pair in tried for end in pair):
        judged = [found for pair, found in tried.items() if end in pair]
        if all(any(each.stops for each in found) for found in judged):
            yield from judged[0]
    for found in tried.values():
        yield from (each for each in found if not each.stops)


def _sources(here: State) -> list[Address]:
    """Where connections begin, and what is an endpoint; without endpoints, any address."""
    flagged = [ip_address(e.address.host) for e in here.endpoints if e.flags & managing.OPENING]
    known = [each for each in flagged if each in here.addresses]
    return list(dict.fromkeys([*_initial(here), *known])) if known else list(here.addresses)


def _targets(here: State, there: State) -> list[Address]:
    signalled = [e for e in there.endpoints if e.flags & AddressFlag.SIGNAL]
    accepted = signalled if here.limits.add_addr_accepted else []
    announced = [ip_address(each.address.host) for each in accepted]
    return list(dict.fromkeys([*_initial(there), *announced]))


def _initial(here: State) -> list[Address]:
    """The first address of each family."""
    first = {address.version: address for address in reversed(here.addresses)}
    return sorted(first.values(), key=lambda address: address.version)
