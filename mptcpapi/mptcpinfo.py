"""The figures of one connection: ``struct mptcp_info`` as a value with units."""

from __future__ import annotations

from dataclasses import dataclass
from errno import EBADMSG
from typing import Any

from mptcpapi import abi
from mptcpapi.errors import BadAnswer
from mptcpapi.info import Descriptor, fileno, read_mptcp_info
from mptcpapi.layout import Layout

_LAYOUT = Layout(*abi.MPTCP_INFO_ROWS)
_MILLISECONDS = ("last_data_sent", "last_data_recv", "last_ack_recv")


@dataclass(frozen=True, slots=True, kw_only=True)
class MptcpInfo:
    """``struct mptcp_info``, the fields by their names there without ``mptcpi_``.

    ``None`` stands in those that this kernel does not have.
    """

    subflows: int
    """Subflows besides the initial one."""
    add_addr_signal: int
    """Addresses announced to the peer (ADD_ADDR)."""
    add_addr_accepted: int
    """Addresses that the peer announced and the path manager accepted."""
    subflows_max: int
    """Limit of ``subflows``; 0 with the userspace path manager, which has none."""
    add_addr_signal_max: int
    """Endpoints of the namespace that are to be announced."""
    add_addr_accepted_max: int
    """Limit of ``add_addr_accepted``."""
    remote_key_received: bool
    """Whether the peer's key is known (MPTCP_INFO_FLAG_REMOTE_KEY_RECEIVED)."""
    token: int
    """The local token, as `mptcpapi.token`."""
    write_seq: int
    """Data sequence number of the next byte that the application writes."""
    snd_una: int
    """Data sequence number of the first byte that the peer has not acknowledged (DATA_ACK)."""
    rcv_nxt: int
    """Data sequence number of the next byte that is expected of the peer."""
    local_addr_used: int
    """Local addresses in use besides the initial one, by the kernel's path manager."""
    local_addr_max: int
    """Limit of ``local_addr_used``."""
    csum_enabled: bool
    """Whether DSS options carry checksums (RFC 8684, section 3.3.1)."""
    retransmits: int | None = None
    """Retransmissions by MPTCP, on whatever subflow (Linux 6.5)."""
    bytes_retrans: int | None = None
    """Bytes sent again by MPTCP."""
    bytes_sent: int | None = None
    """Bytes sent for the first time."""
    bytes_received: int | None = None
    """Bytes received in order."""
    bytes_acked: int | None = None
    """Bytes that the peer acknowledged (DATA_ACK)."""
    subflows_total: int | None = None
    """All subflows, the initial one included, modulo 256 (Linux 6.8)."""
    last_data_sent: float | None = None
    """Seconds since data was last sent (Linux 6.10); whole milliseconds, as all times here."""
    last_data_recv: float | None = None
    """Seconds since data last arrived."""
    last_ack_recv: float | None = None
    """Seconds since a DATA_ACK last arrived."""


def mptcp_info(sock: Descriptor) -> MptcpInfo:
    """The figures of the connection. Source: ``getsockopt(SOL_MPTCP, MPTCP_INFO)``, Linux 5.16.

    :raises FallenBack: the connection is TCP
    :raises SocketClosed: the socket is closed
    """
    return decode_mptcp_info(read_mptcp_info(fileno(sock)))


def decode_mptcp_info(data: bytes) -> MptcpInfo:
    """``struct mptcp_info``, as far as the kernel gives it."""
    if len(data) < abi.MPTCP_INFO_LEAST:
        raise BadAnswer(EBADMSG, f"struct mptcp_info of {len(data)} bytes is too short")
    fields: dict[str, Any] = _LAYOUT.unpack(data)
    flags = fields.pop("flags")
    fields["remote_key_received"] = bool(flags & abi.MPTCP_INFO_FLAG_REMOTE_KEY_RECEIVED)
    fields["csum_enabled"] = bool(fields["csum_enabled"])
    for name in fields.keys() & set(_MILLISECONDS):
        fields[name] /= 1000
    return MptcpInfo(**fields)
