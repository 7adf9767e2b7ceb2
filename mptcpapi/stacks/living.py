"""The stacks that live: each until it is closed, whoever still knows it.

So one that nobody refers to keeps its sockets connected, as a socket of the kernel's stays so when
whoever set up the network is gone.
"""

from __future__ import annotations

import os
from typing import Protocol


class Stack(Protocol):
    """What is told of a fork."""

    def forked(self) -> None:
        """This process is a child; its only thread is a copy of the one that forked."""


_living: set[Stack] = set()


def add(stack: Stack) -> None:
    """From now on it lives."""
    _living.add(stack)


def remove(stack: Stack) -> None:
    """It was closed."""
    _living.discard(stack)


def _tell() -> None:
    for stack in _living:
        stack.forked()


os.register_at_fork(after_in_child=_tell)
