"""The numbers and struct layouts of the Linux user-space ABI, under their C names.

Every group names the header it comes from. Numbers that Python's ``socket`` module knows
(``AF_NETLINK``, ``SO_REUSEADDR``, ...) are taken from there and do not stand here. Structs are in
the machine's byte order, as the kernel gives them.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from struct import Struct
from typing import Final

# include/uapi/linux/in.h and include/linux/socket.h
IPPROTO_MPTCP: Final = 262
SOL_MPTCP: Final = 284
SOL_NETLINK: Final = 270

# include/uapi/linux/sockios.h: the network namespace of a socket, as a descriptor
SIOCGSKNS: Final = 0x894C

# include/uapi/linux/sched.h
CLONE_NEWNET: Final = 0x40000000

# include/uapi/asm-generic/socket.h
SO_RCVBUFFORCE: Final = 33
SO_DOMAIN: Final = 39


class TcpState(IntEnum):
    """The state of one subflow's TCP connection (``include/net/tcp_states.h``)."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11
    NEW_SYN_RECV = 12
    BOUND_INACTIVE = 13


# include/uapi/linux/mptcp.h: options at SOL_MPTCP
MPTCP_INFO: Final = 1
MPTCP_FULL_INFO: Final = 4

# struct mptcp_info: the part that every kernel with MPTCP_INFO fills, up to mptcpi_token
MPTCP_INFO_HEAD: Final = Struct("=6B2x2I")
MPTCP_INFO_SIZE: Final = 96

# struct mptcp_info, without the prefix mptcpi_: formats and names, as mptcpapi.layout reads them.
# The first 48 bytes are older than MPTCP_INFO.
MPTCP_INFO_ROWS: Final = (
    "B subflows add_addr_signal add_addr_accepted",
    "B subflows_max add_addr_signal_max add_addr_accepted_max",
    "I flags token",
    "Q write_seq snd_una rcv_nxt",
    "B local_addr_used local_addr_max csum_enabled",
    "I retransmits",
    "Q bytes_retrans bytes_sent bytes_received bytes_acked",
    "B subflows_total",
    "I last_data_sent last_data_recv last_ack_recv",
)
MPTCP_INFO_LEAST: Final = 48
MPTCP_INFO_FLAG_REMOTE_KEY_RECEIVED: Final = 1 << 1

# include/uapi/linux/tcp.h: struct tcp_info, without the prefix tcpi_. "scales" and "first_bits" are
# names for bytes that hold bit fields. The first 232 bytes are older than MPTCP_FULL_INFO.
TCP_INFO_ROWS: Final = (
    "B state ca_state retransmits probes backoff options scales first_bits",
    "I rto ato snd_mss rcv_mss unacked sacked lost retrans fackets",
    "I last_data_sent last_ack_sent last_data_recv last_ack_recv",
    "I pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering",
    "I rcv_rtt rcv_space total_retrans",
    "Q pacing_rate max_pacing_rate bytes_acked bytes_received",
    "I segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out",
    "Q delivery_rate busy_time rwnd_limited sndbuf_limited",
    "I delivered delivered_ce",
    "Q bytes_sent bytes_retrans",
    "I dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash",
    "H total_rto total_rto_recoveries",
    "I total_rto_time",
)
TCP_INFO_LEAST: Final = 232

# struct mptcp_full_info before its mptcp_info: size_tcpinfo_kernel, size_tcpinfo_user,
# size_sfinfo_kernel, size_sfinfo_user, num_subflows, size_arrays_user, subflow_info, tcp_info
MPTCP_FULL_INFO_HEAD: Final = Struct("=6I2Q")

# struct mptcp_subflow_info: id, padding, local and remote as sockaddr_storage
MPTCP_SUBFLOW_INFO: Final = Struct("=I4x128s128s")

# struct sockaddr_in and sockaddr_in6 up to the address; ports are in network order
SOCKADDR_FAMILY: Final = Struct("=H")
SOCKADDR_IN: Final = Struct("!2xH4s")
SOCKADDR_IN6: Final = Struct("!2xH4x16s")

# include/uapi/linux/netlink.h
NETLINK_SOCK_DIAG: Final = 4
NETLINK_GENERIC: Final = 16
NLM_F_REQUEST: Final = 0x001
NLM_F_ACK: Final = 0x004
NLM_F_DUMP: Final = 0x300
NLM_F_CAPPED: Final = 0x100
NLM_F_ACK_TLVS: Final = 0x200
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLMSGERR_ATTR_MSG: Final = 1
NETLINK_ADD_MEMBERSHIP: Final = 1
NETLINK_CAP_ACK: Final = 10
NETLINK_EXT_ACK: Final = 11
NLA_F_NESTED: Final = 0x8000
NLA_TYPE_MASK: Final = 0x3FFF

# struct nlmsghdr: len, type, flags, seq, pid; struct nlattr: len, type
NLMSGHDR: Final = Struct("=IHHII")
NLATTR: Final = Struct("=HH")
NLMSGERR_CODE: Final = Struct("=i")

# include/uapi/linux/genetlink.h; struct genlmsghdr: cmd, version, reserved
GENL_ID_CTRL: Final = 16
CTRL_CMD_GETFAMILY: Final = 3
CTRL_ATTR_FAMILY_ID: Final = 1
CTRL_ATTR_FAMILY_NAME: Final = 2
CTRL_ATTR_MCAST_GROUPS: Final = 7
CTRL_ATTR_MCAST_GRP_NAME: Final = 1
CTRL_ATTR_MCAST_GRP_ID: Final = 2
GENLMSGHDR: Final = Struct("=BBH")

# include/uapi/linux/mptcp_pm.h (mptcp.h before Linux 6.7): family, group, commands
MPTCP_PM_NAME: Final = "mptcp_pm"
MPTCP_PM_EV_GRP_NAME: Final = "mptcp_pm_events"
MPTCP_PM_VER: Final = 1
MPTCP_PM_CMD_ADD_ADDR: Final = 1
MPTCP_PM_CMD_DEL_ADDR: Final = 2
MPTCP_PM_CMD_GET_ADDR: Final = 3
MPTCP_PM_CMD_SET_LIMITS: Final = 5
MPTCP_PM_CMD_GET_LIMITS: Final = 6
MPTCP_PM_CMD_SET_FLAGS: Final = 7
MPTCP_PM_CMD_ANNOUNCE: Final = 8
MPTCP_PM_CMD_REMOVE: Final = 9
MPTCP_PM_CMD_SUBFLOW_CREATE: Final = 10
MPTCP_PM_CMD_SUBFLOW_DESTROY: Final = 11


class AddressFlag(IntFlag):
    """``MPTCP_PM_ADDR_FLAG_*``: what the path manager is to do with an address."""

    SIGNAL = 1 << 0
    """Announce it to peers (ADD_ADDR)."""
    SUBFLOW = 1 << 1
    """Open a subflow from it."""
    BACKUP = 1 << 2
    """Its subflows are backup."""
    FULLMESH = 1 << 3
    """Open subflows from it to every address of the peer (Linux 5.17)."""
    IMPLICIT = 1 << 4
    """The kernel made the entry itself, for a subflow that it needed (Linux 5.18)."""
    LAMINAR = 1 << 5
    """Open a subflow from it to an address that the peer announces (Linux 6.18)."""


# include/uapi/linux/mptcp_pm.h: enum mptcp_event_type
MPTCP_EVENT_CREATED: Final = 1
MPTCP_EVENT_ESTABLISHED: Final = 2
MPTCP_EVENT_CLOSED: Final = 3
MPTCP_EVENT_ANNOUNCED: Final = 6
MPTCP_EVENT_REMOVED: Final = 7
MPTCP_EVENT_SUB_ESTABLISHED: Final = 10
MPTCP_EVENT_SUB_CLOSED: Final = 11
MPTCP_EVENT_SUB_PRIORITY: Final = 13
MPTCP_EVENT_LISTENER_CREATED: Final = 15
MPTCP_EVENT_LISTENER_CLOSED: Final = 16
MPTCP_PM_EV_FLAG_SERVER_SIDE: Final = 1 << 1

# include/uapi/linux/sock_diag.h, inet_diag.h
SOCK_DIAG_BY_FAMILY: Final = 20
SOCK_DESTROY: Final = 21
INET_DIAG_INFO: Final = 2
INET_DIAG_ULP_INFO: Final = 19
INET_DIAG_NOCOOKIE: Final = 0xFFFFFFFFFFFFFFFF

# struct inet_diag_req_v2: family, protocol, ext, states; then inet_diag_sockid: sport, dport (both
# in network order), src, dst, interface, cookie
INET_DIAG_REQ_V2: Final = Struct("=BBBxI2s2s16s16sIQ")


class SubflowFlag(IntFlag):
    """``MPTCP_SUBFLOW_FLAG_*`` of ``include/uapi/linux/mptcp.h``, as sock_diag reports them."""

    MCAP_REM = 1 << 0
    MCAP_LOC = 1 << 1
    JOIN_REM = 1 << 2
    JOIN_LOC = 1 << 3
    BKUP_REM = 1 << 4
    BKUP_LOC = 1 << 5
    FULLY_ESTABLISHED = 1 << 6
    CONNECTED = 1 << 7
    MAPVALID = 1 << 8


MPTCP_RST_REASONS: Final = {
    0: "unspecified error",
    1: "MPTCP-specific error",
    2: "lack of resources",
    3: "administratively prohibited",
    4: "too much outstanding data",
    5: "unacceptable performance",
    6: "middlebox interference",
}
"""The reasons of MP_TCPRST (RFC 8684, section 3.6; ``MPTCP_RST_E*`` in the header)."""
