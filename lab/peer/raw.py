"""TCP segments to and from ports of a host that its kernel does not answer for.

A listening socket owns each port, and a filter on it drops whatever arrives: the kernel finds the
port in use, so it sends no RST, and never comes to the point of answering. The segments themselves
are read from a packet socket and written to raw ones. No firewall is needed and no further address;
routes and neighbours are the host's.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import time
from collections import deque
from contextlib import ExitStack
from typing import Any, Self

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from lab.errors import UsageError
from lab.host import LabNode
from lab.waiting import readable
from lab.wire.segment import Endpoint, Segment, decode

SO_ATTACH_FILTER = 26
"""<asm-generic/socket.h>"""
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
"""<linux/socket.h>, <linux/if_packet.h>"""
ETH_P_ALL = 0x0003
"""<linux/if_ether.h>"""
LINKTYPE_RAW = 101

DROP_ALL = (6, 0, 0, 0)
"""``struct sock_filter``: BPF_RET | BPF_K, and 0 bytes of the packet are kept."""

LONGEST = 65535
"""bytes of an IP packet"""


class RawTcp:
    """Ports of one host, while the context lasts, and what is sent from and arrives at them."""

    def __init__(self, host: LabNode) -> None:
        self._host = host
        self._undo = ExitStack()
        self._senders: dict[Endpoint, socket.socket] = {}
        self._arrived: dict[Endpoint, deque[Segment]] = {}
        self._number = 0

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            kind, protocol = socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)
            self._packets = self._host.msocket(socket.AF_PACKET, kind, protocol)
            undo.callback(self._packets.close)
            self._packets.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            self._packets.setblocking(False)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def own(self, address: str, port: int = 0) -> Endpoint:
        """Take a port of the host, any free one for 0, and have its kernel keep silent there.

        :raises UsageError: the host has no such address, or the port is taken.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        owner = self._host.msocket(family, socket.SOCK_STREAM)
        self._undo.callback(owner.close)
        try:
            _drop_all(owner)
            owner.bind((address, port))
            owner.listen()
        except OSError as error:
            where = Endpoint(address, port)
            raise UsageError(
                f"no peer can be at {where} of {self._host.name}: {error.strerror}"
            ) from error
        end = Endpoint(*owner.getsockname()[:2])
        # The kernel routes by the address that a socket is bound to, not by that in the packet.
        sender = self._host.msocket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._undo.callback(sender.close)
        sender.bind((address, 0))
        self._senders[end] = sender
        self._arrived[end] = deque()
        return end

    def send(self, local: Endpoint, remote: Endpoint, tcp: TCP) -> None:
        """Send a segment; ports and checksums are filled in.

        :raises UsageError: the host cannot send it: no route, or it is too long.
        """
        layer = IPv6 if ":" in local.host else IP
        tcp.sport, tcp.dport = local.port, remote.port
        packet = bytes(layer(src=local.host, dst=remote.host) / tcp)
        try:
            self._senders[local].sendto(packet, (remote.host, 0))
        except OSError as error:
            raise UsageError(
                f"{self._host.name} cannot send {len(packet)} bytes from {local} to {remote}: "
                f"{error.strerror}"
            ) from error

    def receive(self, local: Endpoint, remote: Endpoint | None, until: float) -> Segment | None:
        """The next segment from ``remote``; without it, the next SYN to ``local``, from anywhere.

        None if none comes ``until`` then (of ``time.monotonic``). What is not asked for waits.
        """
        waiting = self._arrived[local]
        while True:
            for position, segment in enumerate(waiting):
                if segment.source == remote or (remote is None and _opens(segment)):
                    del waiting[position]
                    return segment
            if not self._read(until):
                return None

    def _read(self, until: float) -> bool:
        """Put one packet to the others that wait; False if none comes in time."""
        if not readable([self._packets.fileno()], until - time.monotonic()):
            return False
        packet = self._packets.recv(LONGEST)
        segment = decode(packet, LINKTYPE_RAW, self._number + 1, time.time()) if packet else None
        if segment and segment.destination in self._arrived:
            self._number += 1
            self._arrived[segment.destination].append(segment)
        return True


def _opens(segment: Segment) -> bool:
    return segment.syn and not segment.rst and not segment.flags & segment.flags.ACK


def _drop_all(owner: socket.socket) -> None:
    program = ctypes.create_string_buffer(struct.pack("HBBI", *DROP_ALL))
    described: Any = struct.pack("HP", 1, ctypes.addressof(program))
    owner.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
