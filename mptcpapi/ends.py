"""Between which endpoints a subflow is wanted: what the caller left out, and what cannot be."""

from __future__ import annotations

import os
from errno import EACCES, EINVAL
from socket import AF_INET, SO_BROADCAST, SOCK_DGRAM, SOL_SOCKET, socket

from mptcpapi.endpoint import Address, Endpoint, parse, unicast
from mptcpapi.errors import InvalidArgument, KernelRefused, raise_if_exhausted
from mptcpapi.info import read_address_family
from mptcpapi.netns import namespace_of

_ANY_PORT = 9
"""To connect a UDP socket takes a port, whatever it is."""


def wanted_ends(
    fd: int, peer: Endpoint, local: Address | None, remote: Address | None
) -> tuple[Endpoint, Endpoint]:
    """The local and the remote endpoint, of one family, which is one of the socket's.

    ``peer``: what stands for ``None``, for a wildcard address and for port 0 in ``remote``.

    :raises InvalidArgument: there can be no subflow between such
    """
    there = peer if remote is None else _remote(fd, peer, remote)
    here = Endpoint("0.0.0.0" if there.family == AF_INET else "::", 0)  # noqa: S104 - any route
    if local is not None:
        here = parse(local, 0, there.family)
    if not here.is_wildcard:
        _check_local(fd, unicast(here))
    return here, there


def _remote(fd: int, peer: Endpoint, remote: Address) -> Endpoint:
    host, port = wanted = parse(remote, 0, read_address_family(fd))
    if wanted.is_wildcard:
        if wanted.family != peer.family:
            text = f"host {host!r}: the peer's own address is {peer.host}, of another family"
            raise InvalidArgument(EINVAL, text)
        host = peer.host
    return unicast(Endpoint(host, port or peer.port))


def _check_local(fd: int, local: Endpoint) -> None:
    """Refuse a broadcast address, instead of which the kernel would take one of its own choice.

    Which are broadcast is a matter of the routes. The kernel tells when a UDP socket is to be
    connected to one: EACCES, as long as SO_BROADCAST is not set. Nothing is sent.
    """
    if local.family != AF_INET:
        return
    with namespace_of(fd), _udp_socket() as probe:
        if probe.connect_ex((local.host, _ANY_PORT)) != EACCES:
            return
        probe.setsockopt(SOL_SOCKET, SO_BROADCAST, 1)
        if probe.connect_ex((local.host, _ANY_PORT)) == 0:
            raise InvalidArgument(EINVAL, f"host {local.host!r}: a broadcast address of this host")


def _udp_socket() -> socket:
    try:
        return socket(AF_INET, SOCK_DGRAM)
    except OSError as failed:
        raise_if_exhausted(failed)
        code = failed.errno or EACCES
        raise KernelRefused(code, f"cannot make a UDP socket: {os.strerror(code)}") from failed
