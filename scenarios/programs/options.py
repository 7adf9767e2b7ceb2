"""Uses what the other programs of the old socket API do not.

Usage: options.py SERVER LOCAL. It says of each thing the errno, and what else it got.
"""

import ctypes
import mmap
import os
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from socket import AF_INET, IPPROTO_TCP, TCP_INFO

GET_SUB_IDS, CLOSE_SUB_ID, GET_SUB_TUPLE, OPEN_SUB_TUPLE, GET_SUB_INFO, SUB_GETSOCKOPT = range(
    66, 72
)
libc = ctypes.CDLL(None, use_errno=True)


def get(sock: socket.socket, option: int, data: bytes, size: int = 0) -> tuple[int, bytes]:
    """The errno of a getsockopt, and what is in its buffer, up to the length that came back."""
    buffer = ctypes.create_string_buffer(data, size or len(data))
    length = ctypes.c_uint(len(buffer))
    failed = libc.getsockopt(sock.fileno(), IPPROTO_TCP, option, buffer, ctypes.byref(length))
    return ctypes.get_errno() if failed else 0, buffer.raw[: length.value]


def wanted(local: tuple[str, int], remote: tuple[str, int]) -> bytes:
    """A ``mptcp_sub_tuple`` without prio."""
    return bytes(1) + b"".join(
        AF_INET.to_bytes(2, sys.byteorder)
        + port.to_bytes(2, "big")
        + socket.inet_aton(host)
        + bytes(8)
        for host, port in (local, remote)
    )


def open_subflow(sock: socket.socket, local: tuple[str, int]) -> tuple[int, int]:
    """The errno, and the id."""
    error, data = get(sock, OPEN_SUB_TUPLE, wanted(local, sock.getpeername()))
    return error, data[0]


def listed(sock: socket.socket) -> list[int]:
    """The ids, in ascending order."""
    return sorted(get(sock, GET_SUB_IDS, bytes(100))[1][2::2])


def open_early(sock: socket.socket, local: str) -> None:
    """Begin to open a subflow before any data have passed; they do when it is waited for."""
    found = []
    opening = threading.Thread(target=lambda: found.append(open_subflow(sock, (local, 0))))
    opening.start()
    call = Path(f"/proc/self/task/{opening.native_id}/wchan")
    while "seccomp" not in call.read_text() and opening.is_alive():
        time.sleep(0.01)
    opening.join(0.2)  # what does not wait ends now
    print("early", opening.is_alive())
    sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    opening.join()
    print("opened", *found[0])


def read_info(sock: socket.socket, id: int) -> None:
    """MPTCP_GET_SUB_INFO beside TCP_INFO of the same subflow."""
    value, length = ctypes.create_string_buffer(1000), ctypes.c_uint(1000)
    asked = struct.pack(
        "B3xii4xQQ", id, IPPROTO_TCP, TCP_INFO, ctypes.addressof(value), ctypes.addressof(length)
    )
    error, _ = get(sock, SUB_GETSOCKOPT, asked)
    told, info = get(sock, GET_SUB_INFO, bytes([id]), 1000)
    print("info", told, len(info), info[0], error, length.value if not error else 0)
    print("cut", *map(len, get(sock, GET_SUB_INFO, bytes([id]), 8)[1:]))
    print("unknown", get(sock, GET_SUB_INFO, bytes([100]), 8)[0])


def open_twice(sock: socket.socket, id: int) -> None:
    """A second subflow with the addresses and ports of the first."""
    data = get(sock, GET_SUB_TUPLE, bytes([id]), 33)[1]
    local = socket.inet_ntoa(data[5:9]), int.from_bytes(data[3:5], "big")
    print("twice", open_subflow(sock, local)[0])


def open_from_a_constant(sock: socket.socket, local: str) -> None:
    """With a struct into which the id cannot be written."""
    data = wanted((local, 0), sock.getpeername())
    with mmap.mmap(-1, mmap.PAGESIZE) as page:
        page.write(data)
        at = ctypes.c_char.from_buffer(page)
        libc.mprotect(ctypes.byref(at), ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ)
        length = ctypes.byref(ctypes.c_uint(len(data)))
        libc.getsockopt(sock.fileno(), IPPROTO_TCP, OPEN_SUB_TUPLE, ctypes.byref(at), length)
        print("constant", ctypes.get_errno())
        del at


def open_under_signals(sock: socket.socket, local: str) -> None:
    """A signal with a handler comes again and again: the subflow is opened once."""
    before = listed(sock)
    signal.signal(signal.SIGALRM, lambda *_: None)
    # Until the supervisor has heard of a call, a signal ends it as any: with EINTR, or anew.
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    opened = [open_subflow(sock, (local, 0)) for _ in range(5)]
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("signals", *(error for error, _ in opened))
    print(
        "each", sorted({id for _, id in opened}) == [id for id in listed(sock) if id not in before]
    )


def close_as_the_draft(sock: socket.socket, id: int) -> None:
    """With ``how``."""
    print("nonsense", get(sock, CLOSE_SUB_ID, struct.pack("B3xi", id, 3))[0])
    print("closed", get(sock, CLOSE_SUB_ID, struct.pack("B3xi", id, socket.SHUT_WR))[0])
    print("left", id not in listed(sock))


def main() -> None:
    """See above."""
    server, local = sys.argv[1:]
    with socket.create_connection((server, 80)) as sock:
        open_early(sock, local)
        read_info(sock, 2)
        open_twice(sock, 2)
        open_from_a_constant(sock, local)
        open_under_signals(sock, local)
        close_as_the_draft(sock, 2)
    os.write(1, b"over\n")


main()
