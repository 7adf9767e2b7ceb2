"""Mininet's ``Node``, with a shell when it is needed, mended where it would wait for ever."""

from __future__ import annotations

import math
import os
import select
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any

from mininet.link import Intf
from mininet.node import Node

from lab import netns
from lab.errors import CommandFailed, LabError, Unsupported
from lab.sandbox import libc

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


class _OfShell:
    """An attribute of Mininet's that a shell brings: who reads it first starts the shell."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, node: ShellNode, _owner: type | None = None) -> Any:
        node.awake()
        return node.__dict__[self._name]

    def __set__(self, node: ShellNode, value: Any) -> None:
        node.__dict__[self._name] = value


class ShellNode(Node):  # type: ignore[misc]
    """A node whose shell is started when it is needed, and either answers or is an error.

    Until then it is its network namespace, which ends with it.

    :raises SandboxForbidden: the system allows no further namespace.
    """

    shell, pid, stdin, stdout, pollOut = (_OfShell() for _ in range(5))

    whole_checksums = False
    """Whether packets must have their checksums when they come: a program reads them."""

    def startShell(self, _mnopts: str | None = None) -> None:
        """Make the namespace; Mininet calls this for each new node."""
        self._waking = Lock()
        self._asleep = True
        self._starter = 0
        self.namespace = self._new_namespace()

    def _new_namespace(self) -> int:
        """A descriptor of the namespace that this node is to have for itself."""
        return netns.create()

    def awake(self) -> None:
        """See that the shell has been started.

        :raises CommandFailed: it ended.
        :raises Unsupported: it gave no prompt in ``PATIENCE``.
        """
        if get_ident() == self._starter:
            return
        with self._waking:
            if self._asleep:
                self._asleep = False
                with ThreadPoolExecutor(1) as thread:
                    thread.submit(self._start).result()

    def _start(self) -> None:
        """Start the shell in the namespaces of this thread, which ends with that."""
        self._starter = get_ident()
        libc.setns(self.namespace, libc.CLONE_NEWNET)
        _show_devices()
        self._heard = ""
        self._answers_by = time.monotonic() + PATIENCE
        self.inNamespace = False  # where Mininet would make one of its own
        try:
            super().startShell()
        except BaseException:
            if self.shell:
                self.shell.kill()
                self.cleanup()
            raise
        finally:
            self.inNamespace = True
            self._starter = 0
        self._answers_by = math.inf

    def terminate(self) -> None:
        """End the node; what others have opened in its namespace keeps that for so long."""
        if not self._asleep:
            super().terminate()
        self._asleep = False
        if self.namespace >= 0:
            os.close(self.namespace)
            self.namespace = -1

    @contextmanager
    def stack(self) -> Iterator[None]:
        """Put the calling thread into this node's stack; a socket made there stays there."""
        with netns.entered(self.namespace):
            yield

    def entrance(self) -> list[str]:
        """The command that gives a shell at this node to who is in the sandbox already."""
        return ["mnexec", "-a", str(self.pid), "bash"]

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
        status = self.shell.poll()
        if status is None:
            return Unsupported(f"at {self.name}: bash gave no prompt in {PATIENCE:g} s")
        return CommandFailed(self.name, ("mnexec", "-cd", "bash"), status, self._heard)

    def defaultIntf(self) -> Intf:
        """The interface for the lowest port, or what stands for none."""
        return super().defaultIntf() if self.intfs else NoIntf()


def _show_devices() -> None:
    """Give the calling thread a /sys in which it sees the devices of its network namespace.

    As mnexec(1) does with -n. The thread has its own mounts from then on.
    """
    libc.unshare(libc.CLONE_NEWNS)
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    libc.mount("sysfs", "/sys", "sysfs")
