"""Stepping into the network namespace of a socket.

Tokens and addresses mean something only in the network namespace of their connection, and a
netlink socket stays for good in the namespace it was made in.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from errno import EBADF, EINVAL, ENOSPC, EOPNOTSUPP, EPERM
from io import FileIO
from pathlib import Path

from mptcpapi import abi, syscalls
from mptcpapi.errors import (
    InvalidArgument,
    NoPrivilege,
    SocketClosed,
    Unsupported,
    raise_if_exhausted,
)

_OWN_NAMESPACE = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def namespace_of(fd: int) -> Iterator[None]:
    """Run the body in the network namespace of the socket ``fd``; only the calling thread moves.

    :raises NoPrivilege: CAP_NET_ADMIN (or, in another namespace, CAP_SYS_ADMIN) is missing
    """
    with _open_namespace(fd) as theirs, inside(theirs.fileno()):
        yield


@contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Run the body in a network namespace, given as a descriptor; only the calling thread moves.

    :raises NoPrivilege: it is another one than the thread's, and CAP_SYS_ADMIN is missing
    """
    with _open_own_namespace() as ours, ExitStack() as last, ExitStack() as first:
        if not os.path.samestat(os.fstat(namespace), os.fstat(ours.fileno())):
            for way_back in (last, first):  # Ctrl-C can come in place of one of them
                way_back.callback(_enter, ours.fileno())
            _enter(namespace)
        yield


def create() -> int:
    """A descriptor of a new network namespace, which lives until nothing refers to it.

    :raises NoPrivilege: CAP_SYS_ADMIN is missing
    :raises Unsupported: this machine allows no further one
    """
    with _open_own_namespace() as ours, ExitStack() as last, ExitStack() as first:
        for way_back in (last, first):  # Ctrl-C can come in place of one of them
            way_back.callback(_enter, ours.fileno())
        if _libc.unshare(abi.CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            for way_back in (last, first):
                way_back.pop_all()  # the thread never left
            raise _no_namespace(code)
        return os.open(_OWN_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)


def own_namespace() -> tuple[int, int]:
    """Device and inode of the network namespace of the calling thread: its name, while it lasts."""
    with _open_own_namespace() as own:
        found = os.fstat(own.fileno())
    return found.st_dev, found.st_ino


def enter(path: Path) -> None:
    """Move the calling thread into the network namespace at ``path``, and leave it there.

    :raises InvalidArgument: there is none
    :raises NoPrivilege: CAP_SYS_ADMIN is missing
    """
    try:
        # Without O_NONBLOCK, opening a FIFO waits for somebody to write into it.
        namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except PermissionError as refused:
        text = f"cannot open the network namespace {path}: run as its user, or as root"
        raise NoPrivilege(EPERM, text) from refused
    except OSError as failed:
        text = f"there is no network namespace {path}: {failed.strerror}"
        raise InvalidArgument(EINVAL, text) from failed
    try:
        _enter(namespace)
    finally:
        os.close(namespace)


def _no_namespace(code: int) -> NoPrivilege | Unsupported:
    if code == EPERM:
        return NoPrivilege(
            EPERM,
            "making a network namespace takes CAP_SYS_ADMIN: run as root, or in a user namespace "
            "(unshare -Urn PROGRAM)",
        )
    why = f"no network namespace can be made here: {os.strerror(code)}"
    limit = " (the sysctl user.max_net_namespaces limits how many)" if code == ENOSPC else ""
    return Unsupported(code, why + limit)


def no_privilege() -> NoPrivilege:
    """The error for EPERM, with what to do about it."""
    return NoPrivilege(
        EPERM,
        "changing the subflows of a connection and following its events takes CAP_NET_ADMIN in "
        "its network namespace: run as root, in a user namespace (unshare -Urn), or give the "
        "program the capability (setcap cap_net_admin+ep)",
    )


def _open_namespace(fd: int) -> FileIO:
    """The network namespace in which the socket ``fd`` was made."""
    try:
        return syscalls.current.ioctl(fd, abi.SIOCGSKNS)
    except OSError as failed:
        if failed.errno == EPERM:
            raise no_privilege() from failed
        if failed.errno == EBADF:
            raise SocketClosed(EBADF, f"descriptor {fd} is closed") from failed
        raise_if_exhausted(failed)
        text = f"descriptor {fd}: cannot tell its network namespace ({failed.strerror})"
        raise InvalidArgument(EINVAL, text) from failed


def _open_own_namespace() -> FileIO:
    try:
        return FileIO(_OWN_NAMESPACE)
    except OSError as failed:
        raise_if_exhausted(failed)
        text = f"cannot open {_OWN_NAMESPACE} ({failed.strerror}): is /proc mounted?"
        raise Unsupported(EOPNOTSUPP, text) from failed


def _enter(namespace: int) -> None:
    # os.setns came with Python 3.12
    if _libc.setns(namespace, abi.CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        if code == EINVAL:
            raise InvalidArgument(EINVAL, "this file is not a network namespace")
        raise NoPrivilege(
            code,
            f"cannot enter the network namespace ({os.strerror(code)}): that takes "
            "CAP_SYS_ADMIN, or a thread that is in this namespace already",
        )
