"""Hosts that are stacks of ``mptcpapi.stacks``, in place of those that the lab makes itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from typing import Any

import mptcpapi
from lab import receiving
from lab.errors import Unsupported, UsageError
from lab.host import LabNode
from mptcpapi import stacks


class StackNode(LabNode):
    """A node whose namespace, and each socket, is of a stack of the given kind.

    :raises UsageError: no such kind, or none whose stacks are namespaces.
    :raises Unsupported: no such stack can be made here.
    """

    def __init__(self, name: str, *, kind: str, **params: Any) -> None:
        self._kind = kind
        super().__init__(name, **params)

    def _new_namespace(self) -> int:
        try:
            made = stacks.new(self._kind)
        except mptcpapi.UsageError as mistaken:
            raise UsageError(str(mistaken.strerror)) from mistaken
        except mptcpapi.MptcpError as refused:
            raise Unsupported(str(refused.strerror)) from refused
        if self._kind == "kernel" or not isinstance(made, stacks.NamespaceStack):
            made.close()
            raise UsageError(f"a host cannot be a stack of kind '{self._kind}': try netns")
        self._made = made
        with self.stack():
            receiving.in_order()
        return os.dup(made.fileno())

    @contextmanager
    def stack(self) -> Iterator[None]:
        """Have the calling thread use this node's stack."""
        with stacks.use(self._made):
            yield

    def msocket(self, family: int, kind: int, protocol: int = 0) -> socket:
        """A socket of this node's stack."""
        return self._made.msocket(family, kind, protocol)

    def terminate(self) -> None:
        """End the node, and its stack with it."""
        super().terminate()
        self._made.close(force=True)
