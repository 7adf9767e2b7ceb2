"""What runs in another process, which imports it by this name."""

from multiprocessing.connection import Connection

from mptcpapi import Socket


class Own(Socket):
    """A class of an application."""


def tell(sock: Socket) -> None:
    """Say over the connection what came of it, and close it."""
    what = (type(sock).__name__, sock.proto, sock.gettimeout(), sock._joins.kept().admits)
    with sock:
        sock.sendall(repr(what).encode())


def tell_of_received(pipe: Connection) -> None:
    """The same of a socket that comes over a pipe."""
    tell(pipe.recv())
