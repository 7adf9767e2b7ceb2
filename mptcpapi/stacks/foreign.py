"""Stacks that no thread can step into: something else makes their sockets."""

from __future__ import annotations

import os
import socket
from abc import abstractmethod
from contextlib import AbstractContextManager

from mptcpapi import abi
from mptcpapi.connection import Socket
from mptcpapi.stacks import seam
from mptcpapi.stacks.stack import Stack


class ForeignStack(Stack):
    """A stack that gives descriptors of the kernel's sockets."""

    steps_in = False

    @abstractmethod
    def _descriptor(self, family: int, type: int, protocol: int) -> int:
        """A new socket's; an OSError with the errno if there is none."""

    def _make(self, family: int, type: int, protocol: int) -> socket.socket:
        fd = self._descriptor(family, type, protocol)
        try:
            if protocol == abi.IPPROTO_MPTCP:
                return Socket(fileno=fd)
            return socket.socket(family, type, protocol, fileno=fd)
        except BaseException:
            os.close(fd)
            raise

    def _use(self) -> AbstractContextManager[None]:
        return seam.made_by(self._held_descriptor)

    def _held_descriptor(self, family: int, type: int, protocol: int) -> int:
        with self._held:
            self.require()
            return self._descriptor(family, type, protocol)
