"""A network interface, by its name or its index."""

from __future__ import annotations

from errno import EINVAL

from mptcpapi import syscalls
from mptcpapi.errors import InvalidArgument, is_integer, raise_if_exhausted
from mptcpapi.netns import namespace_of


def interface_index(fd: int, interface: str | int) -> int:
    """The index of an interface in the network namespace of the socket ``fd``.

    :raises InvalidArgument: there is no such interface
    """
    with namespace_of(fd):
        return index_of(interface)


def index_of(interface: str | int) -> int:
    """The index of an interface in the network namespace of the calling thread.

    :raises InvalidArgument: there is no such interface
    """
    try:
        present = syscalls.current.interfaces()
    except OSError as failed:
        raise_if_exhausted(failed)
        raise
    for index, name in present:
        if interface == name or (is_integer(interface) and interface == index):
            return index
    names = ", ".join(f"{name} ({index})" for index, name in present)
    text = f"interface {interface!r}: the network namespace has no such; it has {names}"
    raise InvalidArgument(EINVAL, text)
