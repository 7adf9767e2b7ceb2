"""What the fake kernel and the peer make of SUBFLOW_CREATE."""

from __future__ import annotations

from errno import EADDRINUSE, EADDRNOTAVAIL, ECONNREFUSED, EINVAL, ENOTCONN
from ipaddress import ip_address

from mptcpapi import abi
from mptcpapi.abi import TcpState
from mptcpapi.endpoint import Endpoint
from mptcpapi.errors import KernelRefused
from mptcpapi.pathmanager import LocalAddress, PmAddress
from mptcpapi.testing.connection import End, Leg
from mptcpapi.testing.world import World


def join(world: World, end: End, wanted: PmAddress, remote: Endpoint) -> None:
    """SUBFLOW_CREATE.

    :raises KernelRefused: as the kernel does
    """
    world.settle()
    if not end.is_settled or end.state is not TcpState.ESTABLISHED:
        raise KernelRefused(ENOTCONN, "")
    local = _source(world, end, wanted)
    local_id = _address_id(end, wanted, local)
    _check_source(world, end, wanted.endpoint, local, remote)
    leg = world.add_leg(end, local, remote, local_id, 0)
    leg.interface, leg.backup = wanted.interface, bool(wanted.flags & abi.AddressFlag.BACKUP)
    leg.state = TcpState.SYN_SENT
    if not world.is_cut(leg) and world.is_known(remote.host):
        _answer(world, leg)


def _source(world: World, end: End, wanted: PmAddress) -> Endpoint:
    """The local endpoint: what was asked for, or what routing would choose."""
    host, port = wanted.endpoint
    if wanted.endpoint.is_wildcard:
        bound = [path.host for path in world.paths if path.number == wanted.interface]
        host = bound[0] if bound else end.local.host
    return Endpoint(host, port or next(world._ports))


def _address_id(end: End, wanted: PmAddress, local: Endpoint) -> int:
    """The address id of the local address, which has to fit those that were given out."""
    if wanted.endpoint.is_wildcard:
        known = {entry.host: entry.id for entry in end.addresses} | {end.local.host: 0}
        number = known.get(local.host, max(known.values()) + 1)
    else:
        number = wanted.id or 0
    entry = LocalAddress(local.host, wanted.endpoint.port, number)
    initial = LocalAddress(end.local.host, 0, 0)
    for other in (initial, *end.addresses):
        if (other[:2] == entry[:2]) != (other.id == entry.id):
            raise KernelRefused(EINVAL, "did not match address and id")
    if number and entry not in end.addresses:
        end.addresses.append(entry)
    return number


def _check_source(
    world: World, end: End, wanted: Endpoint, local: Endpoint, remote: Endpoint
) -> None:
    """Whether a socket can be bound to the local endpoint, and be connected from there."""
    code = 0
    if not world.is_own(local.host) and local.host != end.local.host:
        code = EADDRNOTAVAIL
    elif ip_address(local.host).is_loopback and not ip_address(remote.host).is_loopback:
        code = EINVAL
    elif wanted.port and any(
        leg.local == local for other in world.connections.values() for leg in other.open_legs()
    ):
        code = EADDRINUSE
    if code:
        end.next_id()
        raise KernelRefused(code, f"connect error: -{code}")


def _answer(world: World, leg: Leg) -> None:
    """What the peer does with the SYN of a new subflow."""
    found = world.listener(leg.remote)
    refusal = world.refused.get(leg.local.host, world.refused.get(leg.remote.host, 0))
    if found is None or not found.is_mptcp or refusal == ECONNREFUSED:
        world.close_leg(leg)
        world.tell(abi.MPTCP_EVENT_SUB_CLOSED, leg, backup=0, error=ECONNREFUSED)
        return
    leg.state = TcpState.ESTABLISHED
    world.tell(abi.MPTCP_EVENT_SUB_ESTABLISHED, leg, backup=0)
    peer = leg.end.peer
    if peer is None or refusal or _is_full(world, peer):
        world.close_leg(leg)
        world.tell(abi.MPTCP_EVENT_SUB_CLOSED, leg, backup=0)
        return
    twin = world.add_leg(peer, leg.remote, leg.local, 0, leg.local_id)
    twin.twin, leg.twin, twin.remote_backup = leg, twin, leg.backup
    world.tell(abi.MPTCP_EVENT_SUB_ESTABLISHED, twin, backup=int(leg.backup))


def _is_full(world: World, end: End) -> bool:
    joined = sum(leg.id != 1 for leg in end.open_legs())
    return not end.is_userspace and joined >= world.limits[0]
