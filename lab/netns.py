"""Network namespaces as file descriptors, and threads that step into them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lab import receiving, sandbox
from lab.errors import SandboxForbidden
from lab.sandbox import libc

_OWN = "/proc/thread-self/ns/net"


@contextmanager
def opened(path: str = _OWN) -> Iterator[int]:
    """A descriptor of the namespace at ``path``; the calling thread's, if left out."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def entered(descriptor: int) -> Iterator[None]:
    """Have the calling thread, and no other, in the namespace for as long as the context lasts."""
    with opened() as home:
        libc.setns(descriptor, libc.CLONE_NEWNET)
        try:
            yield
        finally:
            libc.setns(home, libc.CLONE_NEWNET)


def create() -> int:
    """A new network namespace; it ends, with all in it, when the last descriptor is closed.

    :raises SandboxForbidden: the system allows no further one.
    """
    with opened() as home:
        try:
            libc.unshare(libc.CLONE_NEWNET)
        except OSError as problem:
            raise SandboxForbidden(sandbox.explain(problem)) from problem
        try:
            receiving.in_order()
            return os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            libc.setns(home, libc.CLONE_NEWNET)
