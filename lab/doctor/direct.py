"""A source address on a link without a router: it reaches the peer at its address there alone."""

from __future__ import annotations

from lab.doctor.finding import Finding
from lab.doctor.state import Address, State
from lab.model import End, Topology
from mptcpapi import AddressFlag


def neighbour(topology: Topology, here: State, there: State, source: Address) -> Finding | None:
    """That ``there`` has to announce its address on the link of ``source``, if it has one."""
    for far in _beside(topology, here.name, source):
        if far.node == there.name:
            for address in far.addresses:
                if address.version == source.version:
                    return _announcing(here, there, source, address.ip, far.interface)
    return None


def _beside(topology: Topology, host: str, source: Address) -> list[End]:
    ends = [end for _, end in topology.ends_of(host) if source in {a.ip for a in end.addresses}]
    return [far for end in ends for far in topology.neighbours(end)]


def _announcing(
    here: State, there: State, source: Address, address: Address, interface: str
) -> Finding:
    announced = {e.address.host for e in there.endpoints if e.flags & AddressFlag.SIGNAL}
    only = f"{source} of {here.name} has no router, and reaches {there.name} at {address} alone"
    if str(address) in announced:
        accept = ("ip", "mptcp", "limits", "set", "add_addr_accepted", "2")
        what = f"{only}, which is announced, but not accepted"
        return Finding("limits", here.name, what, "accept it", (accept,))
    announce = ("ip", "mptcp", "endpoint", "add", str(address), "dev", interface, "signal")
    return Finding(
        "endpoint", there.name, f"{only}, which is not announced", "announce it", (announce,)
    )
