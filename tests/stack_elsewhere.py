"""Make a stack, and say how that ended: a program for processes of another kind.

``python stack_elsewhere.py KIND``: a stack of that kind on no network. As a module, what a child of
multiprocessing does.
"""

from __future__ import annotations

import sys
from typing import Any

import mptcpapi
from mptcpapi import stacks


def serve(said: Any, stack: stacks.Stack | None) -> None:
    """Have an echo in a stack, the parent's or one of our own, and tell what came back."""
    with stack or stacks.new("netns") as mine:
        said.put(echo(mine))


def echo(stack: stacks.Stack) -> bytes:
    """What a client in a stack hears from a server there."""
    stack.linksetupdown("lo", True)
    with stack.msocket() as listener, stack.msocket() as sock:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sock.connect(listener.getsockname())
        with listener.accept()[0] as accepted:
            accepted.sendall(b"echo")
            return sock.recv(10)


if __name__ == "__main__":
    try:
        stacks.new(sys.argv[1], "null://").close()
    except mptcpapi.MptcpError as why:
        print(why.strerror)  # noqa: T201 - the parent reads it
