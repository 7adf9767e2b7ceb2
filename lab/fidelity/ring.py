"""What passes an interface, with the kernel's own times: a ring of packets shared with the kernel.

Whoever reads it may come late without harm: the time of a packet is taken when it passes, and the
ring keeps it (``packet_mmap``, Documentation/networking/packet_mmap.rst, <linux/if_packet.h>).
"""

from __future__ import annotations

import mmap
import socket
import struct
from collections.abc import Iterator
from typing import Final, Self

from lab.fidelity.probe import Passed

ETH_P_ALL: Final = 0x0003
ETH_P_IP: Final = 0x0800

SOL_PACKET = 263
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_VERSION = 10
TPACKET_V2 = 1

TP_STATUS_USER = 1
"""The kernel has written the frame, and it is ours."""

OUTGOING = 4
"""PACKET_OUTGOING of ``sll_pkttype``"""

_HEADER = struct.Struct("=IIIHHII")
"""struct tpacket2_hdr: status, length, snapped length, offsets of frame and packet, s, ns"""

_KIND = struct.Struct("=10xB")
"""struct sockaddr_ll, as far as its ``sll_pkttype``"""

_ADDRESS_AT = 32
"""TPACKET_ALIGN(sizeof(struct tpacket2_hdr))"""

FRAME = 128
"""bytes of the ring for a packet, of which 62 are the beginning of the packet itself"""

BLOCK = 1 << 16


class Ring:
    """Packets that pass ``interface`` of the calling thread's namespace, from now on.

    Either those that it sends, or the IPv4 ones that it receives.
    """

    def __init__(self, interface: str, *, outgoing: bool, room: int) -> None:
        self._outgoing = outgoing
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            blocks = -(-room * FRAME // BLOCK)
            self._frames = blocks * BLOCK // FRAME
            self._socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
            request = struct.pack("=IIII", BLOCK, blocks, FRAME, self._frames)
            self._socket.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
            self._memory = mmap.mmap(self._socket.fileno(), blocks * BLOCK)
            # Only a tap of all protocols sees what is sent.
            self._socket.bind((interface, ETH_P_ALL if outgoing else ETH_P_IP))
        except BaseException:
            self._socket.close()
            raise
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.close()
        self._socket.close()

    def read(self) -> Iterator[Passed]:
        """What has passed since the last time."""
        while True:
            at = self._next * FRAME
            status, _, snapped, offset, _, seconds, nanoseconds = _HEADER.unpack_from(
                self._memory, at
            )
            if not status & TP_STATUS_USER:
                return
            (kind,) = _KIND.unpack_from(self._memory, at + _ADDRESS_AT)
            start = self._memory[at + offset : at + offset + snapped]
            self._memory[at : at + 4] = bytes(4)  # back to the kernel
            self._next = (self._next + 1) % self._frames
            if (kind == OUTGOING) == self._outgoing:
                yield Passed(seconds * 1_000_000_000 + nanoseconds, start)

    def dropped(self) -> int:
        """How many packets found no room since the last time."""
        answer = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        return int(struct.unpack("=II", answer)[1])
