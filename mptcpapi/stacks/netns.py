"""The kind ``netns``: a network namespace of its own, which lives as long as the stack."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack

from mptcpapi.netns import create
from mptcpapi.stacks import open_sockets
from mptcpapi.stacks.kinds import refuse_detail
from mptcpapi.stacks.namespace import NamespaceStack
from mptcpapi.stacks.plug import Plug
from mptcpapi.stacks.vnl import parse


def make(detail: str, vnls: Sequence[str], *, resolver: str | None = None) -> Netns:
    """A new stack with the loopback interface, up, and an interface for each VNL, down."""
    refuse_detail("netns", detail)
    networks = parse(vnls)
    with ExitStack() as undo:
        namespace = create()
        stack = Netns(f"netns {os.fstat(namespace).st_ino}", namespace, resolver=resolver)
        undo.callback(stack.close, force=True)
        stack.linksetupdown("lo", True)
        for network in networks:
            stack.plug(network.interface, network.url)
        undo.pop_all()
    return stack


class Netns(NamespaceStack):
    """A private stack of the kernel in this process."""

    def __init__(self, name: str, namespace: int, *, resolver: str | None = None) -> None:
        super().__init__(name, namespace, resolver=resolver)
        self._plugs = ExitStack()

    def plug(self, interface: str, url: str) -> None:
        """Connect a new interface to a VDE network."""
        self._plugs.enter_context(Plug(self, interface, url))

    def _open_sockets(self) -> int:
        return open_sockets.count(self._namespace)

    def _delete(self) -> None:
        try:
            self._plugs.close()
        finally:
            os.close(self._namespace)
