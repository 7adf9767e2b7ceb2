"""What a kernel knows of an MPTCP connection: two ends, and the subflows as each end sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from socket import socket

from mptcpapi.abi import SubflowFlag, TcpState
from mptcpapi.endpoint import Endpoint
from mptcpapi.pathmanager import LocalAddress
from mptcpapi.testing.below import Below


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
    below: Below = field(default_factory=Below)
    """What carries the data."""
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

    @property
    def state(self) -> TcpState:
        """Of the connection, as ``connect`` and ``shutdown`` know it."""
        return TcpState.CLOSE if self.is_ended else self.below.state

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of it, since the peer aborted it or it has ended both ways."""
        over = {TcpState.CLOSE, TcpState.TIME_WAIT}
        return self.is_aborted or (self.below.inode != 0 and self.state in over)
