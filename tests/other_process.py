"""What runs in another process, which imports it by this name."""

from multiprocessing.connection import Connection
from typing import Any

from mptcpapi import Socket

PATIENCE = 10.0
"""seconds until what does not come counts as missing"""


class Own(Socket):
    """A class of an application."""


def tell(sock: Socket) -> None:
    """Say over the connection what came of it, and close it."""
    what = (type(sock).__name__, sock.proto, sock.gettimeout(), sock._joins.kept().admits)
    with sock:
        sock.sendall(repr(what).encode())


def received(pipe: Connection) -> Any:
    """What comes over a pipe, which itself would wait for ever."""
    assert pipe.poll(PATIENCE), "nothing comes over the pipe"
    return pipe.recv()


def tell_of_received(pipe: Connection) -> None:
    """The same of a socket that comes over a pipe."""
    tell(received(pipe))
