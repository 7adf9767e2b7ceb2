"""What a kernel knows of an MPTCP connection: two ends, and the subflows as each end sees them."""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from socket import IPPROTO_TCP, SOL_SOCKET, TCP_INFO, socket

from mptcpapi import abi
from mptcpapi.abi import SubflowFlag, TcpState
from mptcpapi.endpoint import Endpoint
from mptcpapi.layout import Layout
from mptcpapi.pathmanager import LocalAddress

TCP_INFO_ROOM = 512
"""Bytes; more than ``struct tcp_info`` has."""
_LAYOUT = Layout(*abi.TCP_INFO_ROWS)
_SO_ATTACH_FILTER = 26
_SO_DETACH_FILTER = 27
_RETURN_NOTHING = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0), 8)
_DROP_ALL = struct.pack("@HP", 1, ctypes.addressof(_RETURN_NOTHING))
"""``struct sock_fprog`` with one instruction, ``ret #0``: of each segment, keep nothing."""
_CLOSED = bytes([TcpState.CLOSE]) + bytes(_LAYOUT.size - 1)


@dataclass(eq=False, slots=True)
class Leg:
    """One subflow, as one end has it."""

    end: End
    id: int
    local: Endpoint
    remote: Endpoint
    local_id: int
    remote_id: int
    cookie: int
    state: TcpState = TcpState.ESTABLISHED
    backup: bool = False
    remote_backup: bool = False
    interface: int = 0
    twin: Leg | None = None
    """The same subflow at the other end; ``None`` until the peer has taken it."""
    options: socket | None = None
    """A TCP socket that is not connected, to keep the subflow's own options."""

    @property
    def is_open(self) -> bool:
        """Whether it is a subflow, or on the way to be one."""
        return self.state is not TcpState.CLOSE

    @property
    def flags(self) -> SubflowFlag:
        """What sock_diag tells of it."""
        flags = SubflowFlag(0)
        if self.backup:
            flags |= SubflowFlag.BKUP_LOC
        if self.remote_backup:
            flags |= SubflowFlag.BKUP_REM
        if self.state is TcpState.ESTABLISHED and (self.id != 1 or self.end.is_settled):
            flags |= SubflowFlag.FULLY_ESTABLISHED
        return flags


@dataclass(eq=False, slots=True)
class End:
    """One end of a connection: what the kernel calls an MPTCP socket."""

    token: int
    family: int
    is_userspace: bool
    """Whether the userspace path manager has it."""
    is_server: bool
    local: Endpoint
    """Of the initial subflow, as ``remote``."""
    remote: Endpoint
    legs: list[Leg] = field(default_factory=list)
    addresses: list[LocalAddress] = field(default_factory=list)
    """The address ids that were given out besides 0, which is that of ``local``."""
    last_id: int = 0
    fd: int = -1
    """Of the TCP socket that carries the data."""
    inode: int = 0
    """Of the same: it says whether ``fd`` is still this socket."""
    peer: End | None = None
    is_settled: bool = False
    """Whether the connection is fully established here (RFC 8684, section 3.1)."""
    is_aborted: bool = False
    """Whether the peer aborted it."""
    is_ended: bool = False
    """Whether its last subflow was closed after the peer had ended the connection."""
    is_stalled: bool = False
    """Whether nothing gets through to it."""
    announced: int = 0

    def next_id(self) -> int:
        """An id that no subflow of this end had before."""
        self.last_id += 1
        return self.last_id

    def open_legs(self) -> list[Leg]:
        """The subflows that are open, or on the way to be."""
        return [leg for leg in self.legs if leg.is_open]

    def find(self, local: Endpoint, remote: Endpoint) -> Leg | None:
        """The subflow between these endpoints."""
        return next((leg for leg in self.legs if (leg.local, leg.remote) == (local, remote)), None)

    def carrier(self) -> bytes:
        """``struct tcp_info`` of the socket that carries the data."""
        with suppress(OSError):
            if self.fd >= 0 and os.fstat(self.fd).st_ino == self.inode:
                twin = socket(fileno=os.dup(self.fd))
                with twin:
                    return twin.getsockopt(IPPROTO_TCP, TCP_INFO, TCP_INFO_ROOM)
        return _CLOSED

    def let_through(self, yes: bool) -> None:
        """Let segments reach the socket that carries the data, or drop them."""
        with suppress(OSError):
            if os.fstat(self.fd).st_ino == self.inode:
                twin = socket(fileno=os.dup(self.fd))
                with twin:
                    if yes:
                        twin.setsockopt(SOL_SOCKET, _SO_DETACH_FILTER, 0)
                    else:
                        twin.setsockopt(SOL_SOCKET, _SO_ATTACH_FILTER, _DROP_ALL)

    def figures(self) -> dict[str, int]:
        """The same by the names of its fields."""
        return _LAYOUT.unpack(self.carrier())

    @property
    def state(self) -> TcpState:
        """Of the connection, as ``connect`` and ``shutdown`` know it."""
        return TcpState.CLOSE if self.is_ended else TcpState(self.carrier()[0])

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of it, since the peer aborted it or it has ended both ways."""
        over = {TcpState.CLOSE, TcpState.TIME_WAIT}
        return self.is_aborted or (self.fd >= 0 and self.state in over)
