"""All frames that reach an interface, from a packet socket's ring, and its way to send others.

A ring is memory that the kernel shares (Documentation/networking/packet_mmap.rst): a socket's own
buffer cannot be made large enough without privilege over the whole machine.
"""

from __future__ import annotations

import fcntl
import mmap
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple, Self

PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 5, 6, 10, 23
TPACKET_V2 = 1
TP_STATUS_USER, TP_STATUS_COPY, TP_STATUS_CSUMNOTREADY, TP_STATUS_VLAN_VALID = 1, 2, 8, 16
"""<linux/if_packet.h>"""

SOL_PACKET = 263
"""include/linux/socket.h; Python has no name for it."""

ETH_P_ALL = 3
"""<linux/if_ether.h>"""

SIOCGIFMTU = 0x8921
"""<linux/sockios.h>"""

_HEADER = struct.Struct("=IIIHHIIHH")
"""``struct tpacket2_hdr``: status, length, captured length, place of the frame, of the packet,
seconds, nanoseconds, VLAN tag, VLAN protocol"""

_OVERHEAD = 128
"""bytes of a slot that are no frame: its header, an address, the alignment, Ethernet's header"""

_SLOTS = 4096
"""frames that wait while this program waits for a processor: 60 MB, at the usual size, of a link"""

_ADDRESSES = 12
"""bytes before a VLAN tag: the destination and the source"""


class Counters(NamedTuple):
    """What the kernel and the ring say of an interface."""

    received: int
    """frames"""
    dropped: int
    """frames for which there was no room"""
    unsent: int
    """frames that the interface refused"""


class Ring:
    """One interface of the present network namespace; a context manager."""

    def __init__(self, interface: str) -> None:
        with ExitStack() as undo:
            self._socket = undo.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
            self._socket.setblocking(False)
            self._slot = _slot_for(_mtu(self._socket, interface))
            self._memory = undo.enter_context(self._shared_memory())
            # Before this, a socket of protocol 0 receives nothing: no frame of another interface.
            self._socket.bind((interface, ETH_P_ALL))
            self._undo = undo.pop_all()
        self._next = 0
        self._received = self._dropped = self._unsent = 0

    def _shared_memory(self) -> mmap.mmap:
        size = self._slot * _SLOTS
        self._socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        block = max(self._slot, mmap.PAGESIZE)
        request = struct.pack("=IIII", block, size // block, self._slot, _SLOTS)
        self._socket.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
        return mmap.mmap(self._socket.fileno(), size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def fileno(self) -> int:
        """What becomes readable when there are frames."""
        return self._socket.fileno()

    def frames(self, most: int) -> Iterator[bytes]:
        """The frames that wait, in their order, at most so many."""
        for _ in range(most):
            at = self._next * self._slot
            status, length, captured, start, _, _, _, tag, kind = _HEADER.unpack_from(
                self._memory, at
            )
            if not status & TP_STATUS_USER:
                return
            frame = self._memory[at + start : at + start + captured]
            self._memory[at : at + 4] = bytes(4)  # the kernel's again
            self._next = (self._next + 1) % _SLOTS
            if captured < length or status & TP_STATUS_CSUMNOTREADY:
                self._dropped += 1  # not a frame as it would be on a wire
                continue
            if status & TP_STATUS_VLAN_VALID:
                frame = _tagged(frame, kind, tag)
            yield frame

    def send(self, frame: bytes) -> None:
        """Let the interface send a frame."""
        try:
            self._socket.send(frame)
        except OSError:
            self._unsent += 1

    def counters(self) -> Counters:
        """What happened until now."""
        said = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        received, dropped = struct.unpack("=II", said)  # since it was asked last
        self._received += received
        self._dropped += dropped
        return Counters(self._received, self._dropped, self._unsent)


def _mtu(any_socket: socket.socket, interface: str) -> int:
    request = struct.pack("16s16x", interface.encode())
    answer = fcntl.ioctl(any_socket, SIOCGIFMTU, request)
    return int(struct.unpack_from("=16xi", answer)[0])


def _slot_for(mtu: int) -> int:
    """Bytes of a slot: a power of two, so that a whole number of them fills each block."""
    return 1 << (mtu + _OVERHEAD - 1).bit_length()


def _tagged(frame: bytes, kind: int, tag: int) -> bytes:
    """Give back the VLAN tag that the kernel took out of the frame."""
    return frame[:_ADDRESSES] + struct.pack("!HH", kind, tag) + frame[_ADDRESSES:]
