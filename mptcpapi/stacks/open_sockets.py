"""Which descriptors of this process are sockets of a network namespace."""

from __future__ import annotations

import os
import stat

from mptcpapi import abi, syscalls


def count(namespace: int) -> int:
    """How many there are, however they came about: accepted, duplicated, detached.

    The kernel knows (SIOCGSKNS, sockios.h), and so no account has to be kept.
    """
    wanted = os.fstat(namespace)
    return sum(_is_in(int(name), wanted) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208


def _is_in(fd: int, namespace: os.stat_result) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return False
        with syscalls.current.ioctl(fd, abi.SIOCGSKNS) as theirs:
            return os.path.samestat(os.fstat(theirs.fileno()), namespace)
    except OSError:  # closed meanwhile; or of a namespace that is not ours to ask about
        return False
