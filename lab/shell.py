"""Mininet's ``Node``, mended where it waits for ever, or knows no node without links."""

from __future__ import annotations

import errno
import math
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mininet.link import Intf
from mininet.node import Node

from lab import netns, sandbox
from lab.errors import CommandFailed, LabError, SandboxForbidden, Unsupported

PATIENCE = 10.0
"""seconds until a shell without a prompt counts as broken; usually it takes some milliseconds."""

GLANCE = 100
"""milliseconds between two looks at whether a silent shell still runs"""


class NoIntf(Intf):  # type: ignore[misc]
    """Stands where Mininet asks a node without links for its first interface: there is none."""

    def __init__(self) -> None:
        super().__init__("none")

    def config(self, **_params: Any) -> dict[str, str]:
        """Do nothing."""
        return {}

    def updateIP(self) -> None:
        """It has no address, so that Mininet's prompt leaves the node's name as it is."""

    def __bool__(self) -> bool:
        return False


class ShellNode(Node):  # type: ignore[misc]
    """A node whose shell either answers or is an error."""

    @contextmanager
    def stack(self) -> Iterator[None]:
        """Put the calling thread into this node's stack; a socket made there stays there."""
        with netns.opened(f"/proc/{self.pid}/ns/net") as namespace, netns.entered(namespace):
            yield

    def entrance(self) -> list[str]:
        """The command that gives a shell at this node to who is in the sandbox already."""
        return ["mnexec", "-a", str(self.pid), "bash"]

    def startShell(self, mnopts: str | None = None) -> None:
        """Start the shell in a network namespace of its own, and wait for its prompt.

        :raises SandboxForbidden: the system allows no further namespace.
        :raises CommandFailed: the shell ended.
        :raises Unsupported: it gave no prompt in ``PATIENCE``.
        """
        self._heard = ""
        self._answers_by = time.monotonic() + PATIENCE
        try:
            super().startShell(mnopts)
        except BaseException:
            if self.shell:
                self.shell.kill()
                self.cleanup()
            raise
        self._answers_by = math.inf

    def read(self, size: int = 1024) -> str:
        """What the shell says next; Mininet would wait for ever for one that has ended."""
        while not self.readbuf and not self._says(GLANCE):
            ended = self.shell.poll() is not None
            if self._says(0):
                break  # its last words
            if ended or time.monotonic() > self._answers_by:
                raise self._silent()
        said: str = super().read(size)
        self._heard = (self._heard + said)[-1000:]
        return said

    def _says(self, milliseconds: int) -> bool:
        """Whether there is something to read; Mininet's own poll also asks whether it can write."""
        readable = select.poll()
        readable.register(self.stdout, select.POLLIN)
        return bool(readable.poll(milliseconds))

    def _silent(self) -> LabError:
        if os.strerror(errno.ENOSPC) in self._heard:
            return SandboxForbidden(sandbox.explain(OSError(errno.ENOSPC, self._heard.strip())))
        status = self.shell.poll()
        if status is None:
            return Unsupported(f"at {self.name}: bash gave no prompt in {PATIENCE:g} s")
        return CommandFailed(self.name, ("mnexec", "-n", "bash"), status, self._heard)

    def defaultIntf(self) -> Intf:
        """The interface for the lowest port, or what stands for none."""
        return super().defaultIntf() if self.intfs else NoIntf()
