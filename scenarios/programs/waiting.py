"""A child of this program waits for a subflow that nobody answers; the parent lists on demand.

Usage: waiting.py SERVER LOCAL REMOTE. At each line of input it lists the connection's subflows. It
says of its child what became of it: the errno that it got, or the signal that killed it.
"""

import ctypes
import os
import socket
import sys
import threading
from errno import EINVAL
from socket import AF_INET, IPPROTO_TCP

MPTCP_GET_SUB_IDS, MPTCP_OPEN_SUB_TUPLE = 66, 69
libc = ctypes.CDLL(None, use_errno=True)


def sockaddr(host: str) -> bytes:
    """A ``sockaddr_in`` with port 0."""
    return AF_INET.to_bytes(2, sys.byteorder) + bytes(2) + socket.inet_aton(host) + bytes(8)


def open_subflow(sock: socket.socket, local: str, remote: str) -> int:
    """The errno."""
    wanted = ctypes.create_string_buffer(bytes(1) + sockaddr(local) + sockaddr(remote), 33)
    length = ctypes.byref(ctypes.c_uint(33))
    libc.getsockopt(sock.fileno(), IPPROTO_TCP, MPTCP_OPEN_SUB_TUPLE, wanted, length)
    return ctypes.get_errno() & 0xFF or EINVAL


def say_end(child: int) -> None:
    """What became of the child, when it has ended."""
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def main() -> None:
    """See above."""
    server, local, remote = sys.argv[1:]
    sock = socket.create_connection((server, 80))
    sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    sock.recv(1000)
    child = os.fork()
    if child == 0:
        os._exit(open_subflow(sock, local, remote))
    threading.Thread(target=say_end, args=(child,)).start()
    print("child", child, flush=True)
    for _ in sys.stdin:
        data = sock.getsockopt(IPPROTO_TCP, MPTCP_GET_SUB_IDS, 100)
        print("listed", *sorted(data[2::2]), flush=True)
    print("over", flush=True)


main()
