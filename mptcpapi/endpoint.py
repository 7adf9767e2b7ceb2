"""An endpoint, one side of a subflow: how it is read from text and from a ``sockaddr``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EBADMSG, EINVAL
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, AF_INET6, AF_UNSPEC, SOCK_STREAM, getaddrinfo, inet_ntoa
from struct import error as StructError
from typing import Any, NamedTuple

from mptcpapi import abi
from mptcpapi.errors import BadAnswer, InvalidArgument, check_integer, raise_if_exhausted

Address = str | tuple[Any, ...]
"""What callers may write: a host, "host:port" ("[host]:port" for IPv6), or a tuple that begins with
host and port (any ``sockaddr``). A host is an IP address or a name."""


_HOST_AND_PORT = re.compile(r"(?:\[([^][]*)\]|([^:]*))(?::(\d{1,9}))?", re.ASCII)

IPV4_SIZE = 4
"""Bytes of an IPv4 address."""


class Endpoint(NamedTuple):
    """An IP address and a TCP port."""

    host: str
    """Numeric, in the shortest form; an IPv4 address is never written as a mapped IPv6 one."""
    port: int
    """0 where any port will do, or where the kernel does not tell."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def family(self) -> int:
        """``AF_INET`` or ``AF_INET6``."""
        return AF_INET6 if ":" in self.host else AF_INET

    @property
    def is_wildcard(self) -> bool:
        """Whether the kernel is to choose the address (0.0.0.0 or ::)."""
        return self.host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound

    @property
    def is_unicast(self) -> bool:
        """Whether it can be an end of a subflow, as far as the address alone tells."""
        address = ip_address(self.host)
        return not (address.is_multicast or self.is_wildcard or self.host == "255.255.255.255")


def numeric_host(text: str) -> str:
    """The IP address ``text`` in the form that `Endpoint` wants; ValueError if it is none."""
    address = ip_address(text.partition("%")[0])  # the zone of a link-local address is left out
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def decode_host(packed: bytes) -> str:
    """The host in the 4 bytes of an IPv4 address or the 16 of an IPv6 one."""
    if len(packed) == IPV4_SIZE:
        return inet_ntoa(packed)
    address = IPv6Address(packed)
    return str(address.ipv4_mapped or address)


def parse(address: Address, default_port: int, family: int) -> Endpoint:
    """The endpoint that a caller means by ``address``: a host, or a host and a port.

    A name is looked up in ``family`` (or AF_UNSPEC) and the first address found is taken; looking
    up takes as long as the system's resolver takes.

    :raises InvalidArgument: no such address can be, or it is of another family
    """
    match address:
        case str():
            host, port = split(address, default_port)
        case (str(host), port, *_):
            pass
        case _:
            text = f"address {address!r}: expected a host, 'host:port', or a tuple of host and port"
            raise InvalidArgument(EINVAL, text)
    check_integer("port", port, 0, 0xFFFF)
    return Endpoint(_lookup(host, family), port)


def unicast(endpoint: Endpoint) -> Endpoint:
    """The endpoint, which one host alone must have.

    :raises InvalidArgument: a wildcard, multicast or broadcast address
    """
    if endpoint.is_unicast:
        return endpoint
    text = f"host {endpoint.host!r}: a wildcard, multicast or broadcast address, of no single host"
    raise InvalidArgument(EINVAL, text)


def split(text: str, default_port: int) -> tuple[str, int]:
    """Host and port; an IPv6 address has its port behind brackets, or none."""
    written = _HOST_AND_PORT.fullmatch(text)
    if written is None:
        return text, default_port
    bracketed, host, port = written.groups()
    return host if bracketed is None else bracketed, default_port if port is None else int(port)


def place_of(address: Any) -> tuple[str | None, Any]:
    """Host and port to connect to, or to listen at, for ``getaddrinfo``: it takes too much.

    A port that is text, the name of a service, is left as it is, and so is ``None``.

    :raises InvalidArgument: no tuple of two, or a port that cannot be
    """
    match address:
        case (host, (str() | bytes() | None) as port):
            return host, port
        case (host, port):
            check_integer("port", port, 0, 0xFFFF)
            return host, port
        case _:
            text = f"address {address!r}: expected a tuple of host and port"
            raise InvalidArgument(EINVAL, text)


@contextmanager
def understood(address: object) -> Iterator[None]:
    """Let what Python says of an address that cannot be, in one of three ways, be one error.

    :raises InvalidArgument: Python said something
    """
    try:
        yield
    except (TypeError, OverflowError, UnicodeError) as failed:
        raise InvalidArgument(EINVAL, f"address {address!r}: {failed}") from failed


def _lookup(host: str, family: int) -> str:
    try:
        found = numeric_host(host)
    except ValueError:
        return _resolve(host, family)
    version = AF_INET6 if ":" in found else AF_INET
    if family not in {AF_UNSPEC, version}:
        text = f"host {host!r}: the socket, or the other end of the subflow, is of another family"
        raise InvalidArgument(EINVAL, text)
    return found


def _resolve(name: str, family: int) -> str:
    try:
        found = getaddrinfo(name, None, family, SOCK_STREAM)
    except (OSError, UnicodeError) as failed:
        raise_if_exhausted(failed)
        text = f"host {name!r}: neither an IP address nor a name that resolves ({failed})"
        raise InvalidArgument(EINVAL, text) from failed
    return numeric_host(str(found[0][4][0]))


def decode_sockaddr(data: bytes) -> Endpoint:
    """The endpoint in a ``struct sockaddr_in`` or ``sockaddr_in6`` of the kernel."""
    try:
        (family,) = abi.SOCKADDR_FAMILY.unpack_from(data)
        if family == AF_INET:
            port, packed = abi.SOCKADDR_IN.unpack_from(data)
            return Endpoint(decode_host(packed), port)
        if family == AF_INET6:
            port, packed = abi.SOCKADDR_IN6.unpack_from(data)
            return Endpoint(decode_host(packed), port)
    except StructError as broken:
        raise BadAnswer(EBADMSG, f"a sockaddr of {len(data)} bytes is too short") from broken
    raise BadAnswer(EBADMSG, f"a sockaddr of family {family}: expected AF_INET or AF_INET6")
