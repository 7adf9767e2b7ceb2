"""Which path manager new connections of a network namespace get."""

from __future__ import annotations

from contextlib import suppress
from errno import EINVAL, EOPNOTSUPP, EPERM
from pathlib import Path
from typing import Literal

from mptcpapi import syscalls
from mptcpapi.errors import InvalidArgument, NoPrivilege, Unsupported, raise_if_exhausted

SYSCTLS = Path("/proc/sys/net/mptcp")
_PM_TYPES = {"kernel": "0", "userspace": "1"}
"""Values of ``pm_type`` (Linux 5.19), for kernels before ``path_manager`` (6.15)."""


def set_path_manager(name: Literal["kernel", "userspace"]) -> None:
    """Choose the path manager of the connections that the thread's network namespace gets next.

    A connection keeps the one it has: call this before its socket is made, and at a server before
    the client connects. Every process of the namespace is concerned. Source: the sysctl
    ``net.mptcp.path_manager``, or ``pm_type`` where there is none.

    :raises InvalidArgument: there is no such path manager
    :raises NoPrivilege: CAP_NET_ADMIN is missing
    :raises Unsupported: a kernel with one path manager only (before Linux 5.19)
    """
    if not isinstance(name, str) or name not in _PM_TYPES:
        text = f"path manager {name!r}: expected 'kernel' or 'userspace'"
        raise InvalidArgument(EINVAL, text)
    for sysctl, value in (("path_manager", name), ("pm_type", _PM_TYPES[name])):
        if _write(SYSCTLS / sysctl, value):
            return
    text = "this kernel has one path manager only: net.mptcp.pm_type came with Linux 5.19"
    raise Unsupported(EOPNOTSUPP, text)


def is_userspace_chosen() -> bool:
    """Whether connections that the thread's network namespace gets now have the userspace one."""
    return read_path_manager() == "userspace"


def read_path_manager() -> str:
    """The path manager of the connections that the thread's network namespace gets next.

    ``kernel`` where there is no other (before Linux 5.19), or the name of a BPF one.
    """
    names = {value: name for name, value in _PM_TYPES.items()}
    for sysctl in ("path_manager", "pm_type"):
        with suppress(OSError):
            value = syscalls.current.read(str(SYSCTLS / sysctl)).decode("ascii").strip()
            return names.get(value, value)
    return "kernel"


def _write(path: Path, value: str) -> bool:
    """Whether there is such a sysctl."""
    try:
        syscalls.current.write(str(path), value.encode())
    except FileNotFoundError:
        return False
    except OSError as refused:
        raise_if_exhausted(refused)
        text = (
            f"choosing the path manager (writing {path}) takes CAP_NET_ADMIN in the network "
            "namespace of this thread: run as root, or in a user namespace (unshare -Urn)"
        )
        raise NoPrivilege(EPERM, text) from refused
    return True
