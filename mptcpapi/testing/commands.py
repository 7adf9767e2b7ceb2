"""The fake kernel's side of netlink: requests in, answers out, in the bytes of the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from errno import EINVAL, ENOENT, EOPNOTSUPP, EPERM, ESRCH
from ipaddress import ip_address
from sys import byteorder
from typing import TYPE_CHECKING

from mptcpapi import abi
from mptcpapi.abi import AddressFlag, TcpState
from mptcpapi.endpoint import Endpoint, numeric_host
from mptcpapi.errors import KernelRefused
from mptcpapi.importing import importing
from mptcpapi.nlmsg import Message, attribute, attributes, frame, number, split
from mptcpapi.pathmanager import PmAddress, encode, pm_addr
from mptcpapi.testing import answers
from mptcpapi.testing.connection import Leg
from mptcpapi.testing.joining import join
from mptcpapi.testing.world import World

if TYPE_CHECKING:
    from mptcpapi.tables import Decoded

Bodies = Iterator[bytes]
"""What is answered, without headers."""

_ANYBODY = {abi.MPTCP_PM_CMD_GET_ADDR, abi.MPTCP_PM_CMD_GET_LIMITS}
"""Commands that take no privilege."""


def answer(world: World, protocol: int, request: bytes) -> bytes:
    """The datagram with which the kernel answers."""
    (message,) = split(request)
    bodies: list[bytes] = []
    refused: KernelRefused | None = None
    try:
        with world.lock:
            if protocol == abi.NETLINK_SOCK_DIAG:
                bodies.extend(_diag(world, message))
            elif message.kind == abi.GENL_ID_CTRL:
                bodies.append(answers.family())
            else:
                bodies.extend(_path_manager(world, message))
            world.steer_carriers()
    except KernelRefused as refusal:
        refused = refusal
    parts = [frame(message.kind, 0, message.sequence, body) for body in bodies]
    return b"".join([*parts, _acknowledgement(message, refused)])


def _acknowledgement(message: Message, refused: KernelRefused | None) -> bytes:
    header = message.raw[: abi.NLMSGHDR.size]
    if refused is None:
        body = abi.NLMSGERR_CODE.pack(0) + header
        return frame(abi.NLMSG_ERROR, abi.NLM_F_CAPPED, message.sequence, body)
    text = attribute(abi.NLMSGERR_ATTR_MSG, refused.strerror.encode() + b"\0")
    body = abi.NLMSGERR_CODE.pack(-refused.errno) + header + (text if refused.strerror else b"")
    flags = abi.NLM_F_CAPPED | (abi.NLM_F_ACK_TLVS if refused.strerror else 0)
    return frame(abi.NLMSG_ERROR, flags, message.sequence, body)


# --- sock_diag


def _diag(world: World, message: Message) -> Bodies:
    family, _, _, _, sport, dport, source, destination, _, cookie = (
        abi.INET_DIAG_REQ_V2.unpack_from(message.body)
    )
    asked = dict(attributes(message.body[abi.INET_DIAG_REQ_V2.size :]))
    if abi.INET_DIAG_REQ_PROTOCOL in asked:
        token = int.from_bytes(cookie.to_bytes(8, byteorder)[:4], byteorder)
        yield from _connections(world, message, family, token)
        return
    wanted = tuple(int.from_bytes(port, "big") for port in (sport, dport))
    hosts = {ip_address(packed[:size]) for packed in (source, destination) for size in (4, 16)}
    found = [
        leg
        for end in world.connections.values()
        for leg in end.open_legs()
        if (leg.local.port, leg.remote.port) == wanted
        and {ip_address(leg.local.host), ip_address(leg.remote.host)} <= hosts
        and cookie in {abi.INET_DIAG_NOCOOKIE, leg.cookie}
    ]
    if not found:
        raise KernelRefused(ENOENT, "")
    if message.kind == abi.SOCK_DESTROY:
        _check_privilege(world)
        world.abort(found[0])
        return
    yield from map(answers.diag, found)


def _connections(world: World, message: Message, family: int, token: int) -> Bodies:
    """The sockets of MPTCP that have a token: all of a family, or the one with this token."""
    world.settle()
    living = [end for end in world.connections.values() if not end.is_aborted]
    known = {end.token: (end.family, answers.connection(end)) for end in living}
    for holder in world.fallen_back():
        known[holder.token] = (holder.family, answers.fallen_back(holder))
    if message.flags & abi.NLM_F_DUMP:
        yield from (body for its_family, body in known.values() if its_family == family)
    elif token in known:
        yield known[token][1]
    else:
        raise KernelRefused(ENOENT, "")


# --- the path manager


def _path_manager(world: World, message: Message) -> Bodies:
    with importing:
        from mptcpapi import tables  # noqa: PLC0415 - see there

    fields = tables.decode(tables.mptcp_pm_msg, message, abi.GENLMSGHDR.size)
    command = fields.fixed["cmd"]
    if command not in _COMMANDS:
        raise KernelRefused(EOPNOTSUPP, "")
    if command not in _ANYBODY:
        _check_privilege(world)
    return _COMMANDS[command](world, fields)


def _check_privilege(world: World) -> None:
    if not world.is_admin:
        raise KernelRefused(EPERM, "")


def _token(fields: Decoded) -> int:
    return fields.integer("MPTCP_PM_ATTR_TOKEN") or 0


def _address(fields: Decoded, name: str) -> PmAddress:
    """A nested address.

    :raises KernelRefused: it is missing, or incomplete
    """
    nested = fields.nested(name)
    if nested is None:
        raise KernelRefused(EINVAL, "missing address")
    host = nested.host("MPTCP_PM_ADDR_ATTR_ADDR4", "MPTCP_PM_ADDR_ATTR_ADDR6")
    if host is None:
        raise KernelRefused(EINVAL, "missing address")
    return PmAddress(
        Endpoint(numeric_host(host), nested.integer("MPTCP_PM_ADDR_ATTR_PORT") or 0),
        nested.integer("MPTCP_PM_ADDR_ATTR_ID"),
        AddressFlag(nested.integer("MPTCP_PM_ADDR_ATTR_FLAGS") or 0),
        nested.integer("MPTCP_PM_ADDR_ATTR_IF_IDX") or 0,
    )


def _ends(fields: Decoded) -> tuple[PmAddress, PmAddress]:
    return _address(fields, "MPTCP_PM_ATTR_ADDR"), _address(fields, "MPTCP_PM_ATTR_ADDR_REMOTE")


def _leg(world: World, fields: Decoded, missing: int) -> Leg:
    """The subflow that a command means."""
    end = world.token_of(_token(fields))
    local, remote = _ends(fields)
    leg = end.find(local.endpoint, remote.endpoint)
    if leg is None:
        raise KernelRefused(missing, "subflow not found")
    return leg


def _create(world: World, fields: Decoded) -> Bodies:
    end = world.token_of(_token(fields))
    local, remote = _ends(fields)
    join(world, end, local, remote.endpoint)
    return iter(())


def _destroy(world: World, fields: Decoded) -> Bodies:
    world.destroy(_leg(world, fields, ESRCH))
    return iter(())


def _set_flags(world: World, fields: Decoded) -> Bodies:
    leg = _leg(world, fields, EINVAL)
    if leg.state is not TcpState.ESTABLISHED:
        raise KernelRefused(EINVAL, "subflow not found")
    world.prioritise(leg, bool(_ends(fields)[0].flags & AddressFlag.BACKUP))
    return iter(())


def _announce(world: World, fields: Decoded) -> Bodies:
    end = world.token_of(_token(fields))
    address = _address(fields, "MPTCP_PM_ATTR_ADDR")
    if not address.id or AddressFlag.SIGNAL not in address.flags:
        raise KernelRefused(EINVAL, "invalid addr id or flags")
    world.announce(end, address.endpoint, address.id)
    return iter(())


def _remove(world: World, fields: Decoded) -> Bodies:
    end = world.token_of(_token(fields))
    world.withdraw(end, fields.integer("MPTCP_PM_ATTR_LOC_ID") or 0)
    return iter(())


def _get_addr(world: World, fields: Decoded) -> Bodies:
    """The addresses of a connection; the endpoints of the namespace are none."""
    if not _token(fields):
        return
    for host, port, address_id in world.token_of(_token(fields)).addresses:
        address = PmAddress(Endpoint(host, port), address_id)
        yield encode(abi.MPTCP_PM_CMD_GET_ADDR, pm_addr(abi.MPTCP_PM_ATTR_ADDR, address))


def _get_limits(world: World, _: Decoded) -> Bodies:
    subflows, accepted = world.limits
    yield encode(
        abi.MPTCP_PM_CMD_GET_LIMITS,
        number(abi.MPTCP_PM_ATTR_SUBFLOWS, subflows, 4),
        number(abi.MPTCP_PM_ATTR_RCV_ADD_ADDRS, accepted, 4),
    )


def _set_limits(world: World, fields: Decoded) -> Bodies:
    subflows = fields.integer("MPTCP_PM_ATTR_SUBFLOWS") or 0
    accepted = fields.integer("MPTCP_PM_ATTR_RCV_ADD_ADDRS") or 0
    if max(subflows, accepted) > _MOST:
        raise KernelRefused(EINVAL, f"limit greater than maximum ({_MOST})")
    world.limits = (subflows, accepted)
    return iter(())


_MOST = 8
_COMMANDS: dict[int, Callable[[World, Decoded], Bodies]] = {
    abi.MPTCP_PM_CMD_GET_ADDR: _get_addr,
    abi.MPTCP_PM_CMD_SET_LIMITS: _set_limits,
    abi.MPTCP_PM_CMD_GET_LIMITS: _get_limits,
    abi.MPTCP_PM_CMD_SET_FLAGS: _set_flags,
    abi.MPTCP_PM_CMD_ANNOUNCE: _announce,
    abi.MPTCP_PM_CMD_REMOVE: _remove,
    abi.MPTCP_PM_CMD_SUBFLOW_CREATE: _create,
    abi.MPTCP_PM_CMD_SUBFLOW_DESTROY: _destroy,
}
