"""Commands of the userspace path manager (generic netlink family ``mptcp_pm``), by token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from errno import EINVAL, ESRCH
from socket import AF_INET, inet_pton
from typing import NamedTuple

from mptcpapi import abi
from mptcpapi.abi import AddressFlag
from mptcpapi.endpoint import Endpoint, numeric_host
from mptcpapi.errors import KernelRefused, PathManagerNotUserspace
from mptcpapi.importing import importing
from mptcpapi.netlink import Closing, Netlink, mptcp_pm_family
from mptcpapi.nlmsg import Message, attribute, nested, number

_ADDRESS_ATTRIBUTES = (abi.MPTCP_PM_ATTR_ADDR, abi.MPTCP_PM_ATTR_ADDR_REMOTE)
_NOWHERE = Endpoint("127.0.0.1", 1)


class LocalAddress(NamedTuple):
    """An entry of a connection's list of local addresses and their ids."""

    host: str
    port: int
    """As given when the entry was made: 0 if any port would do."""
    id: int
    """Address id: what MP_JOIN tells the peer; 0 is the address of the initial subflow."""


class PmAddress(NamedTuple):
    """An address as a command gives it."""

    endpoint: Endpoint
    id: int | None = None
    flags: AddressFlag = AddressFlag(0)
    interface: int = 0
    """Index; 0: not bound to any."""


class PathManager(Closing):
    """The commands for one connection; a context manager, for one thread at a time.

    ``fd``: its socket; ``None``: it is in the network namespace of the calling thread. ``token``:
    its local token. Every command may raise `NoPrivilege`, `KernelRefused` with the kernel's errno,
    or `PathManagerNotUserspace`.
    """

    def __init__(self, fd: int | None, token: int) -> None:
        self._token = token
        self._netlink = Netlink(abi.NETLINK_GENERIC, beside=fd)

    def close(self) -> None:
        """Close its netlink socket; a second time is harmless."""
        self._netlink.close()

    def create(self, local: PmAddress, remote: Endpoint) -> None:
        """SUBFLOW_CREATE: send the SYN with MP_JOIN; returns before the peer has answered."""
        self._command(abi.MPTCP_PM_CMD_SUBFLOW_CREATE, local, PmAddress(remote))

    def destroy(self, local: Endpoint, remote: Endpoint) -> None:
        """SUBFLOW_DESTROY: end the subflow with FIN; ESRCH: there is none."""
        command = abi.MPTCP_PM_CMD_SUBFLOW_DESTROY
        try:
            self._command(command, PmAddress(local), PmAddress(remote))
        except KernelRefused as refused:
            if refused.errno != ESRCH or local.family != AF_INET:
                raise
            # the initial subflow of an AF_INET6 socket: over IPv4 too, it has IPv6 addresses
            self._command(command, PmAddress(_mapped(local)), PmAddress(_mapped(remote)))

    def set_backup(self, local: Endpoint, remote: Endpoint, *, backup: bool) -> None:
        """SET_FLAGS: send MP_PRIO; EINVAL: no such subflow, or its SYN is not answered yet."""
        source = PmAddress(local, flags=AddressFlag.BACKUP if backup else AddressFlag(0))
        self._command(abi.MPTCP_PM_CMD_SET_FLAGS, source, PmAddress(remote))

    def announce(self, local: PmAddress) -> None:
        """ANNOUNCE: send ADD_ADDR."""
        self._command(abi.MPTCP_PM_CMD_ANNOUNCE, local)

    def remove(self, address_id: int) -> None:
        """REMOVE: send RM_ADDR; EINVAL: the connection has no such address."""
        self._command(abi.MPTCP_PM_CMD_REMOVE, address_id=address_id)

    def local_addresses(self) -> list[LocalAddress]:
        """The list that the kernel keeps (GET_ADDR with a token).

        Kernels before 6.10 answer with the endpoints of the namespace instead, so that an id found
        here is a good guess and no more.
        """
        answers = self._command(abi.MPTCP_PM_CMD_GET_ADDR, flags=abi.NLM_F_DUMP)
        return [address for answer in answers for address in decode_local_addresses(answer)]

    def _command(
        self, command: int, *addresses: PmAddress, address_id: int | None = None, flags: int = 0
    ) -> list[Message]:
        try:
            return self._request(command, *addresses, address_id=address_id, flags=flags)
        except KernelRefused as refused:
            if refused.errno == EINVAL and not self.is_userspace():
                raise _not_userspace() from refused
            raise

    def is_userspace(self) -> bool:
        """Whether the connection obeys this path manager.

        If not, the kernel answers EINVAL to every command, with a sentence that differs between
        versions. So destroy a subflow that cannot exist: ESRCH if it obeys.
        """
        nowhere = PmAddress(_NOWHERE)
        try:
            self._request(abi.MPTCP_PM_CMD_SUBFLOW_DESTROY, nowhere, nowhere)
        except KernelRefused as refused:
            return refused.errno != EINVAL
        return True

    def _request(
        self, command: int, *addresses: PmAddress, address_id: int | None = None, flags: int = 0
    ) -> list[Message]:
        body = encode_command(command, self._token, *addresses, address_id=address_id)
        return self._netlink.request(mptcp_pm_family().id, body, flags=flags)


def encode_command(
    command: int, token: int, *addresses: PmAddress, address_id: int | None = None
) -> bytes:
    """A command about the connection ``token`` and no, its local, or both addresses.

    ``address_id``: for REMOVE, which takes no address.
    """
    attributes = [number(abi.MPTCP_PM_ATTR_TOKEN, token, 4)]
    if address_id is not None:
        attributes.append(number(abi.MPTCP_PM_ATTR_LOC_ID, address_id, 1))
    for kind, address in zip(_ADDRESS_ATTRIBUTES, addresses, strict=False):
        attributes.append(pm_addr(kind, address))
    return encode(command, *attributes)


def encode(command: int, *attributes: bytes) -> bytes:
    """A command with these attributes."""
    return abi.GENLMSGHDR.pack(command, abi.MPTCP_PM_VER, 0) + b"".join(attributes)


def pm_addr(kind: int, address: PmAddress) -> bytes:
    """The attribute of an address; its port is in host order, unlike in events."""
    (host, port), family = address.endpoint, address.endpoint.family
    is_ipv4 = family == AF_INET
    inner = [
        number(abi.MPTCP_PM_ADDR_ATTR_FAMILY, family, 2),
        attribute(
            abi.MPTCP_PM_ADDR_ATTR_ADDR4 if is_ipv4 else abi.MPTCP_PM_ADDR_ATTR_ADDR6,
            inet_pton(family, host),
        ),
        number(abi.MPTCP_PM_ADDR_ATTR_FLAGS, address.flags, 4),
    ]
    if port:
        inner.append(number(abi.MPTCP_PM_ADDR_ATTR_PORT, port, 2))
    if address.id is not None:
        inner.append(number(abi.MPTCP_PM_ADDR_ATTR_ID, address.id, 1))
    if address.interface:
        inner.append(number(abi.MPTCP_PM_ADDR_ATTR_IF_IDX, address.interface, 4))
    return nested(kind, *inner)


def _mapped(endpoint: Endpoint) -> Endpoint:
    return Endpoint(f"::ffff:{endpoint.host}", endpoint.port)


def decode_local_addresses(message: Message) -> Iterator[LocalAddress]:
    """The address in one part of the answer to GET_ADDR."""
    with importing:
        from mptcpapi import tables  # noqa: PLC0415 - see there

    fields = tables.decode(tables.mptcp_pm_msg, message, abi.GENLMSGHDR.size)
    address = fields.nested("MPTCP_PM_ATTR_ADDR")
    if address is None:
        return
    host = address.host("MPTCP_PM_ADDR_ATTR_ADDR4", "MPTCP_PM_ADDR_ATTR_ADDR6")
    port = address.integer("MPTCP_PM_ADDR_ATTR_PORT")
    address_id = address.integer("MPTCP_PM_ADDR_ATTR_ID")
    if host is not None and address_id is not None:
        yield LocalAddress(numeric_host(host), port or 0, address_id)


def address_ids(
    wanted: Endpoint, listed: Iterable[LocalAddress], in_use: Iterable[LocalAddress]
) -> Iterator[int]:
    """The address ids to try for a subflow from ``wanted``, the likeliest first.

    The kernel keeps a list of address, port (as it was asked for) and id; a new subflow has to
    match an entry in both or in neither (EINVAL otherwise). The kernel gives out no ids by itself,
    and with a subflow it can drop the entry of a sibling (multipath-tcp/mptcp_net-next#403). So
    ``in_use``, the ids of the subflows themselves, is looked at before a new id is taken.
    """
    entries = tuple(listed)
    yield from (entry.id for entry in entries if entry[:2] == wanted)
    taken = {entry.id for entry in entries}
    unlisted = [entry for entry in in_use if entry.id not in taken]
    yield from (entry.id for entry in unlisted if entry.host == wanted.host)
    taken.update(entry.id for entry in unlisted)
    yield from (number for number in range(1, 256) if number not in taken)


def _not_userspace() -> PathManagerNotUserspace:
    return PathManagerNotUserspace(
        EINVAL,
        "the kernel's own path manager has this connection: set the sysctl net.mptcp.pm_type=1 "
        "(net.mptcp.path_manager=userspace since Linux 6.15) in its network namespace, before the "
        "socket is made: a connection keeps the path manager it began with",
    )
