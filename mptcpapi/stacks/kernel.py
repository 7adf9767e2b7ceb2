"""The kind ``kernel``: the network namespace in which the calling thread is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from errno import EINVAL

from mptcpapi.errors import InvalidArgument
from mptcpapi.stacks.kinds import refuse_detail
from mptcpapi.stacks.namespace import NamespaceStack

OWN = "/proc/thread-self/ns/net"


def make(detail: str, vnls: Sequence[str], *, resolver: str | None = None) -> NamespaceStack:
    """The stack of the calling thread's namespace; it stays when the stack is deleted."""
    refuse_detail("kernel", detail)
    if vnls:
        text = (
            "the kernel's own stack is connected to no VDE network: give no vnl, or the kind netns"
        )
        raise InvalidArgument(EINVAL, text)
    return NamespaceStack("kernel", os.open(OWN, os.O_RDONLY | os.O_CLOEXEC), resolver=resolver)
