"""The default stack of a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mptcpapi.stacks.stack import Stack

_here = threading.local()


@contextmanager
def use(stack: Stack) -> Iterator[Stack]:
    """Make it the default stack of the calling thread: every ``socket.socket`` is made in it.

    So code that knows nothing of stacks uses it. It can be nested; leaving the context brings back
    what was before, after an exception too. Other threads are not touched, those that are
    started inside included.

    :raises StackDeleted: this stack was deleted
    """
    with stack.use():
        before = current()
        _here.stack = stack
        try:
            yield stack
        finally:
            _here.stack = before


def current() -> Stack | None:
    """The default stack of the calling thread; ``None``: the kernel's, where the thread is."""
    stack: Stack | None = getattr(_here, "stack", None)
    return stack
