"""What follows from a topology alone, where its network cannot be built; pure."""

from __future__ import annotations

from ipaddress import ip_address

from lab.doctor import managing
from lab.doctor.finding import Finding, once
from lab.doctor.state import Interface, State
from lab.model import Topology
from lab.settings import endpoints
from mptcpapi import Endpoint, Limits, ManagedAddress

_SUBFLOWS, _ACCEPTED = 2, 0
"""Limits of the kernel's own, net/mptcp/pm_kernel.c"""
_MTU = 1500


def examine(topology: Topology, initiator: str, acceptor: str) -> list[Finding]:
    """Why the settings of the two hosts would make no subflow.

    :raises UsageError: there is no such host.
    """
    first, second = _state(topology, initiator), _state(topology, acceptor)
    return once([*managing.initiator(first, second), *managing.acceptor(second, first)])


def _state(topology: Topology, name: str) -> State:
    host = topology.hosts[name]
    addresses = {end.interface: end.addresses for _, end in topology.ends_of(name)}
    limits = {"subflows": _SUBFLOWS, "add_addr_accepted": _ACCEPTED}
    return State(
        name=name,
        unusable="",
        switch_on=(),
        path_manager=host.path_manager or "kernel",
        followed=None,
        limits=Limits(**limits | host.limits.model_dump(exclude_none=True)),
        endpoints=tuple(
            ManagedAddress(number, Endpoint(each.host, each.port), each.flags, 0)
            for number, each in enumerate(endpoints(host, addresses), 1)
        ),
        deny_join=host.allow_join_initial_addr_port is False,
        interfaces={
            interface: Interface(
                interface, True, True, _MTU, tuple(ip_address(each.ip) for each in found), 1
            )
            for interface, found in addresses.items()
        },
        listeners=frozenset(),
    )
