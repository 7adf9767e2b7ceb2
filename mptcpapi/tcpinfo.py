"""The figures of one subflow: its ``struct tcp_info`` as a value with units."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from errno import EBADMSG
from typing import Any

from mptcpapi import abi
from mptcpapi.abi import TcpState
from mptcpapi.errors import BadAnswer
from mptcpapi.info import Descriptor, Subflow, fileno
from mptcpapi.layout import Layout
from mptcpapi.subflow import read_tcp_info

_LAYOUT = Layout(*abi.TCP_INFO_ROWS)
_DIVISORS = {
    **dict.fromkeys(("rto", "ato", "rtt", "rttvar", "rcv_rtt", "min_rtt"), 1_000_000),
    **dict.fromkeys(("busy_time", "rwnd_limited", "sndbuf_limited"), 1_000_000),
    **dict.fromkeys(("last_data_sent", "last_data_recv", "last_ack_recv", "total_rto_time"), 1000),
}
"""Of the times: what of the kernel's units, microseconds and milliseconds, makes a second."""
_RATES = ("pacing_rate", "max_pacing_rate", "delivery_rate")
_NO_LIMIT = 0xFFFF_FFFF_FFFF_FFFF
_NOT_MEASURED = 0xFFFF_FFFF
_UNUSED = ("fackets", "last_ack_sent")
"""Always 0: the first since Linux 4.15, the second ever ("Not remembered, sorry")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpInfo:
    """``struct tcp_info``, the fields by their names there without ``tcpi_``.

    Times are in seconds, rates in bit/s. ``None`` stands in fields that this kernel does not have.
    """

    state: TcpState
    ca_state: int
    """Of congestion control: 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss."""
    retransmits: int
    """Retransmissions of the first unacknowledged segment by timeout."""
    probes: int
    """Unanswered probes of a zero window, or keepalives."""
    backoff: int
    """How often the timeout was doubled."""
    options: int
    """Bits: 1 timestamps, 2 SACK, 4 window scaling, 8 ECN, 16 ECN seen, 32 data in the SYN."""
    snd_wscale: int
    """Window scaling of the peer (RFC 7323): windows it announces are shifted by so many bits."""
    rcv_wscale: int
    """Window scaling of this host."""
    delivery_rate_app_limited: bool
    """Whether ``delivery_rate`` was limited by how little the application sent."""
    fastopen_client_fail: int
    """0 unspecified, 1 no cookie, 2 data in the SYN was not acknowledged, 3 SYN was repeated."""
    rto: float
    """Retransmission timeout, seconds."""
    ato: float
    """Timeout of delayed acknowledgements, seconds."""
    snd_mss: int
    """Bytes of payload in a segment sent."""
    rcv_mss: int
    """Bytes of payload in a segment received, estimated."""
    unacked: int
    """Segments sent and not acknowledged."""
    sacked: int
    """Of these, segments acknowledged selectively."""
    lost: int
    """Of these, segments taken for lost."""
    retrans: int
    """Of these, segments sent again."""
    last_data_sent: float
    """Seconds since data was last sent; whole milliseconds, as the next two."""
    last_data_recv: float
    """Seconds since data last arrived."""
    last_ack_recv: float
    """Seconds since an acknowledgement last arrived."""
    pmtu: int
    """Path MTU, bytes."""
    rcv_ssthresh: int
    """Limit of the receive window, bytes."""
    rtt: float
    """Smoothed round-trip time, seconds; 0 before the first sample."""
    rttvar: float
    """Its mean deviation, seconds."""
    snd_ssthresh: int
    """Slow start threshold, segments; 0x7FFFFFFF until a loss sets it."""
    snd_cwnd: int
    """Congestion window, segments."""
    advmss: int
    """MSS announced to the peer, bytes."""
    reordering: int
    """Reordering that is not taken for loss, segments."""
    rcv_rtt: float
    """Round-trip time as a receiver sees it, seconds; 0 before the first sample."""
    rcv_space: int
    """Bytes that the application took in the last round trip."""
    total_retrans: int
    """Segments sent again, ever."""
    pacing_rate: float
    """bit/s; infinite: no limit."""
    max_pacing_rate: float
    """Its limit (SO_MAX_PACING_RATE), bit/s; infinite: none."""
    bytes_acked: int
    """Bytes that the peer acknowledged; a SYN counts as one."""
    bytes_received: int
    """Bytes received in order."""
    segs_out: int
    """Segments sent, those without data included."""
    segs_in: int
    """Segments received, those without data included."""
    notsent_bytes: int
    """Bytes that wait to be sent for the first time."""
    min_rtt: float | None
    """Least round-trip time of late, seconds; ``None`` before the first sample."""
    data_segs_in: int
    """Segments with data received."""
    data_segs_out: int
    """Segments with data sent."""
    delivery_rate: float
    """Rate at which data was last acknowledged, bit/s of payload."""
    busy_time: float
    """Seconds in which there was something to send."""
    rwnd_limited: float
    """Of these, seconds limited by the peer's receive window."""
    sndbuf_limited: float
    """Of these, seconds limited by this host's send buffer."""
    delivered: int
    """Segments delivered, by acknowledgements of all kinds."""
    delivered_ce: int
    """Of these, segments marked on their way (ECN)."""
    bytes_sent: int
    """Bytes of payload sent, repetitions included."""
    bytes_retrans: int
    """Of these, repetitions."""
    dsack_dups: int
    """Segments that the peer said it had twice (DSACK)."""
    reord_seen: int
    """How often reordering was noticed."""
    rcv_ooopack: int
    """Segments that arrived out of order."""
    snd_wnd: int
    """Receive window of the peer, bytes."""
    rcv_wnd: int | None = None
    """Receive window that this host announces, bytes (Linux 6.2)."""
    rehash: int | None = None
    """How often another path was tried by another hash (Linux 6.2)."""
    total_rto: int | None = None
    """Retransmission timeouts, ever (Linux 6.7)."""
    total_rto_recoveries: int | None = None
    """How often such timeouts were recovered from (Linux 6.7)."""
    total_rto_time: float | None = None
    """Seconds spent in them (Linux 6.7)."""


def tcp_info(sock: Descriptor, subflow: Subflow | int) -> TcpInfo:
    """The figures of one subflow; ``subflow``: as `subflows` gave it, or its id.

    No privilege is needed. Source: the array ``tcp_info`` of MPTCP_FULL_INFO.

    :raises NoSuchSubflow: the connection has no such subflow
    :raises FallenBack: the connection is TCP
    :raises Unsupported: a kernel before Linux 6.5
    """
    return decode_tcp_info(read_tcp_info(fileno(sock), subflow, _LAYOUT.size))


def decode_tcp_info(data: bytes) -> TcpInfo:
    """``struct tcp_info``, as far as the kernel gives it."""
    if len(data) < abi.TCP_INFO_LEAST:
        raise BadAnswer(EBADMSG, f"struct tcp_info of {len(data)} bytes is too short")
    fields: dict[str, Any] = _LAYOUT.unpack(data)
    for name in _UNUSED:
        del fields[name]
    try:
        fields["state"] = TcpState(fields["state"])
    except ValueError as unknown:
        raise BadAnswer(EBADMSG, f"TCP state {fields['state']}: unknown") from unknown
    fields["snd_wscale"], fields["rcv_wscale"] = _bit_fields(fields.pop("scales"), 4, 4)
    limited, failure, _ = _bit_fields(fields.pop("first_bits"), 1, 2, 5)
    fields["delivery_rate_app_limited"] = bool(limited)
    fields["fastopen_client_fail"] = failure
    if fields["min_rtt"] == _NOT_MEASURED:
        fields["min_rtt"] = None
    for name, divisor in _DIVISORS.items():
        if fields.get(name) is not None:
            fields[name] /= divisor
    for name in _RATES:
        fields[name] = math.inf if fields[name] == _NO_LIMIT else fields[name] * 8
    return TcpInfo(**fields)


def _bit_fields(byte: int, *widths: int) -> list[int]:
    """The bit fields of a byte, in the order in which C declares them."""
    values = []
    for width in widths if sys.byteorder == "little" else reversed(widths):
        values.append(byte & ((1 << width) - 1))
        byte >>= width
    return values if sys.byteorder == "little" else values[::-1]
