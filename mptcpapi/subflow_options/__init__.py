"""Options of one subflow, where a socket's own are those of all its subflows.

The kernel gives an application no descriptor of a subflow. But it lets a BPF program walk over the
TCP sockets of a network namespace and call getsockopt and setsockopt on each (Linux 5.15). The
program here does so for the one socket with the subflow's cookie.
"""

from __future__ import annotations

import os
from errno import EINVAL, ENOENT, EOPNOTSUPP
from socket import AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_IPV6
from typing import Final, overload

from mptcpapi.errors import InvalidArgument, KernelRefused, MptcpError, Unsupported
from mptcpapi.info import Descriptor, Subflow, fileno
from mptcpapi.subflow_options import known, table, values
from mptcpapi.subflow_options.program import encode_order
from mptcpapi.subflow_options.table import Kind, Option
from mptcpapi.subflow_options.target import locate, no_socket
from mptcpapi.subflow_options.walk import shared_walk

_ENOTSUPP: Final = 524
"""The kernel's own errno, which user space has no name for: this cannot be done."""
_FAMILIES: Final = {IPPROTO_IP: AF_INET, IPPROTO_IPV6: AF_INET6}


@overload
def get_subflow_option(
    sock: Descriptor, subflow: Subflow | int, level: int, name: int, length: None = None
) -> int: ...


@overload
def get_subflow_option(
    sock: Descriptor, subflow: Subflow | int, level: int, name: int, length: int
) -> bytes: ...


def get_subflow_option(
    sock: Descriptor, subflow: Subflow | int, level: int, name: int, length: int | None = None
) -> int | bytes:
    """Get an option of one subflow, as ``socket.getsockopt`` gets one of a socket.

    ``subflow``: as `subflows` or `open_subflow` gave it, or its id. Returns an int, or at most
    ``length`` bytes if that is given, as TCP_CONGESTION and TCP_INFO want it.

    TCP_INFO, SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR and SO_COOKIE take no privilege, the others
    CAP_BPF and CAP_PERFMON in the initial user namespace; ``docs/options.md`` lists them. Source:
    bpf_getsockopt, MPTCP_FULL_INFO.

    :raises NoSuchSubflow: the connection has no such subflow
    :raises NoPrivilege: a capability is missing, which the text names
    :raises Unsupported: one subflow has no such option of its own, or this kernel does not show it
    :raises InvalidArgument: an option of the other address family, or a wrong length
    :raises FallenBack, SocketClosed: see `mptcpapi.errors`
    """
    option = table.find(level, name)
    values.check_length(option, length)
    fd = fileno(sock)
    if option.kind is Kind.KNOWN:
        value = known.read(fd, subflow, option)
    else:
        value = _carry_out(fd, subflow, option, bytes(option.size), change=False)
    return values.decode(option, value, length)


def set_subflow_option(
    sock: Descriptor, subflow: Subflow | int, level: int, name: int, value: int | bytes
) -> None:
    """Set an option of one subflow, as ``socket.setsockopt`` sets one of all its subflows.

    ``subflow``: as `subflows` or `open_subflow` gave it, or its id. ``value``: names as bytes. The
    subflow keeps it until the same option of the whole socket is set. Takes CAP_BPF and CAP_PERFMON
    in the initial user namespace. Source: bpf_setsockopt.

    :raises NoSuchSubflow: the connection has no such subflow
    :raises NoPrivilege: a capability is missing, which the text names
    :raises Unsupported: one subflow has no such option of its own, or it cannot be set
    :raises InvalidArgument: a value that this option cannot have, or an option of the other
        address family
    :raises KernelRefused: the kernel does not take the value, for its errno
    :raises FallenBack, SocketClosed: see `mptcpapi.errors`
    """
    option = table.find(level, name)
    if option.kind is Kind.KNOWN:
        raise Unsupported(EOPNOTSUPP, f"{option.name} cannot be set: it tells what a subflow is")
    encoded = values.encode(option, value)
    _carry_out(fileno(sock), subflow, option, encoded, change=True)


def _carry_out(
    fd: int, which: Subflow | int, option: Option, value: bytes, *, change: bool
) -> bytes:
    """Walk to the subflow with an order; the value that it has there."""
    entry, cookie = locate(fd, which)
    _check_family(option, entry)
    walk = shared_walk()
    order = encode_order(cookie, option.level, option.number, value, change=change)
    answer = walk.carry_out(fd, order)
    if not answer.found:
        raise no_socket(entry)
    if answer.result != 0:
        raise _refused(option, entry, -answer.result, change=change)
    return answer.value


def _check_family(option: Option, entry: Subflow) -> None:
    """The kernel takes options without effect: IPv6's, of an IPv6 socket with IPv4 addresses."""
    family = _FAMILIES.get(option.level, entry.local.family)
    if family != entry.local.family:
        has = "IPv6" if family == AF_INET else "IPv4"
        text = f"{option.name} of subflow {entry.id}: its addresses are {has}, without this option"
        raise InvalidArgument(EINVAL, text)


def _refused(option: Option, entry: Subflow, code: int, *, change: bool) -> MptcpError:
    subject = f"{option.name} of subflow {entry.id}"
    if code == _ENOTSUPP:
        code = EOPNOTSUPP
    if code == ENOENT and option.name == "TCP_CONGESTION":
        text = f"{subject}: this network namespace has no such congestion control "
        text += "(sysctl net.ipv4.tcp_available_congestion_control)"
        return KernelRefused(ENOENT, text)
    if code != EINVAL:
        return KernelRefused(code, f"{subject}: {os.strerror(code)}")
    if change:
        text = f"{subject}: the kernel takes no such value, or does not let this option be set"
        return KernelRefused(EINVAL, text)
    return Unsupported(EOPNOTSUPP, f"{subject}: this kernel does not let it be read")
