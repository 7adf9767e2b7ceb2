"""An echo server and a client on stacks that are chosen when the program runs.

As a program, ``python stack_echo.py KIND VNL ADDRESS``: a server that says "ready", and ends at the
end of its input. What libioth's example does in C: the server has a thread per connection, the
client polls its input and its connection.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mptcpapi import stacks

PORT = 5000


@contextmanager
def stack_at(kind: str, vnl: str, address: str) -> Iterator[stacks.Stack]:
    """A stack with an interface on a VDE network, up and with an address.

    ``kernel`` is the stack of a thread's namespace: here one that the thread has stepped into.
    """
    if kind == "kernel":
        with stack_at("netns", vnl, address) as around:
            with stacks.use(around):
                inside = stacks.new("kernel")
            with inside:
                yield inside
        return
    with stacks.new(kind, vnl) as stack:
        stack.linksetupdown("vde0", True)
        stack.ipaddr_add(f"{address}/24", "vde0")
        yield stack


@contextmanager
def serving(stack: stacks.Stack, address: str) -> Iterator[list[int]]:
    """An echo server; the threads that served, by their idents."""
    with stack.msocket() as listener:
        listener.bind((address, PORT))
        listener.listen()
        served: list[int] = []
        thread = threading.Thread(target=_accept, args=(listener, served))
        thread.start()
        try:
            yield served
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes accept
            thread.join()


def _accept(listener: socket.socket, served: list[int]) -> None:
    threads = []
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threads.append(threading.Thread(target=_echo, args=(connection, served)))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _echo(connection: socket.socket, served: list[int]) -> None:
    served.append(threading.get_ident())
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def talk(stack: stacks.Stack, address: str, lines: list[bytes]) -> list[bytes]:
    """What the server echoes to a client that types ``lines``, each after the echo of the last."""
    typed, keyboard = os.pipe()
    with stack.msocket() as sock, open(keyboard, "wb", 0) as keys, open(typed, "rb", 0) as typed_in:  # noqa: PTH123
        sock.settimeout(10)
        sock.connect((address, PORT))
        poll = select.poll()
        for each in (typed_in, sock):
            poll.register(each, select.POLLIN)
        echoed: list[bytes] = []
        keys.write(lines[0])
        while len(echoed) < len(lines):
            ready = [fd for fd, _ in poll.poll(10_000)]
            assert ready, f"no echo of {lines[len(echoed)]!r}"
            if typed_in.fileno() in ready:
                sock.sendall(typed_in.read(4096))
            if sock.fileno() in ready:
                echoed.append(sock.recv(4096))
                if len(echoed) < len(lines):
                    keys.write(lines[len(echoed)])
        # A stack takes its wires with it: what is still to be sent when it ends is never sent.
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
        return echoed


def main(kind: str, vnl: str, address: str) -> None:
    """Serve until the end of the input."""
    with stack_at(kind, vnl, address) as stack, serving(stack, address):
        print("ready", flush=True)  # noqa: T201 - the parent waits for it
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
