"""A process that has a stack of libvdestack, and makes sockets in it for another one.

A program of its own: ``python vdestack_process.py LOCATOR INTERFACE``, whose standard input is a
socket of AF_UNIX, SOCK_SEQPACKET. It sends "ready" there, or why there is no stack; then it answers
each request for a socket (three integers) with the errno, and the descriptor if that is 0. At the
end of the input it deletes the stack.

A process, because libvdestack 0.1.2 keeps two descriptors of each stack that was deleted, and its
stack shares the descriptors of the process that made it: here these are nobody else's.
"""

import ctypes
import os
import socket
import struct
import sys
from array import array

LIBRARY = "libvdestack.so.0"
REQUEST = struct.Struct("=iii")
"""Family, type, protocol."""
ANSWER = struct.Struct("=i")
"""The errno."""
READY = b"ready"
SIZE = 4096


def load() -> ctypes.CDLL:
    """The library, with the types of its functions (``vdestack.h``)."""
    library = ctypes.CDLL(LIBRARY, use_errno=True)
    library.vde_addstack.restype = ctypes.c_void_p
    library.vde_addstack.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    library.vde_msocket.argtypes = (ctypes.c_void_p, *[ctypes.c_int] * 3)
    library.vde_delstack.argtypes = (ctypes.c_void_p,)
    library.vde_delstack.restype = None
    return library


def serve(library: ctypes.CDLL, stack: int, orders: socket.socket) -> None:
    """Make sockets until nobody can ask any more."""
    while order := orders.recv(SIZE):
        fd = library.vde_msocket(stack, *REQUEST.unpack(order))
        if fd < 0:
            orders.send(ANSWER.pack(ctypes.get_errno()))
            continue
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [fd]).tobytes())
        orders.sendmsg([ANSWER.pack(0)], [rights])
        os.close(fd)


def main(locator: str, interface: str) -> None:
    """Make the stack, serve, and delete it."""
    orders = socket.socket(fileno=os.dup(0))
    try:
        library = load()
    except OSError as missing:
        orders.send(str(missing).encode())
        return
    stack = library.vde_addstack(os.fsencode(locator), os.fsencode(interface))
    if not stack:
        code = ctypes.get_errno()
        orders.send(os.strerror(code).encode() if code else b"it says not why")
        return
    orders.send(READY)
    try:
        serve(library, stack, orders)
    finally:
        library.vde_delstack(stack)


if __name__ == "__main__":
    main(*sys.argv[1:])
