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

# include/uapi/asm-generic/unistd.h; on every architecture but alpha
NR_PIDFD_GETFD: Final = 438

# include/uapi/linux/sockios.h: the network namespace of a socket, as a descriptor
SIOCGSKNS: Final = 0x894C

# include/uapi/linux/sched.h
CLONE_NEWNET: Final = 0x40000000

# include/uapi/linux/nsfs.h: the user namespace that owns a namespace, and the one above
NS_GET_USERNS: Final = 0xB701
NS_GET_PARENT: Final = 0xB702

# include/uapi/linux/prctl.h
PR_SET_NAME: Final = 15
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
PR_SET_PTRACER: Final = 0x59616D61

# include/uapi/linux/pidfd.h (Linux 6.9): O_EXCL
PIDFD_THREAD: Final = 0o200

# include/uapi/asm-generic/socket.h
SO_ATTACH_FILTER: Final = 26
SO_DETACH_FILTER: Final = 27
SO_RCVBUFFORCE: Final = 33
SO_DOMAIN: Final = 39
SO_MAX_PACING_RATE: Final = 47
SO_COOKIE: Final = 57
SO_BINDTOIFINDEX: Final = 62
SO_TXREHASH: Final = 74

# include/uapi/linux/filter.h, include/uapi/linux/bpf_common.h: a classic BPF program
SOCK_FILTER: Final = Struct("@HBBI")
SOCK_FPROG: Final = Struct("@HP")
BPF_RET: Final = 0x06

# include/uapi/linux/tcp.h, include/uapi/linux/in6.h
TCP_THIN_LINEAR_TIMEOUTS: Final = 16
TCP_SAVE_SYN: Final = 27
TCP_RTO_MAX_MS: Final = 44
IPV6_AUTOFLOWLABEL: Final = 70

# include/net/tcp.h, include/uapi/linux/if.h: sizes of names, the zero at their end included
TCP_CA_NAME_MAX: Final = 16
IFNAMSIZ: Final = 16


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
MPTCP_INFO_FLAG_FALLBACK: Final = 1 << 0
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

# include/uapi/linux/capability.h; include/uapi/linux/nsfs.h (before 6.18 include/linux/proc_ns.h)
CAP_NET_BIND_SERVICE: Final = 10
CAP_NET_ADMIN: Final = 12
CAP_NET_RAW: Final = 13
CAP_SYS_ADMIN: Final = 21
CAP_PERFMON: Final = 38
CAP_BPF: Final = 39
USER_NS_INIT_INO: Final = 0xEFFFFFFD

# include/uapi/linux/netlink.h
NETLINK_ROUTE: Final = 0
NETLINK_SOCK_DIAG: Final = 4
NETLINK_GENERIC: Final = 16
NLM_F_REQUEST: Final = 0x001
NLM_F_ACK: Final = 0x004
NLM_F_DUMP: Final = 0x300
NLM_F_CAPPED: Final = 0x100
NLM_F_ACK_TLVS: Final = 0x200
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLMSGERR_ATTR_MSG: Final = 1
NETLINK_ADD_MEMBERSHIP: Final = 1
NETLINK_CAP_ACK: Final = 10
NETLINK_EXT_ACK: Final = 11
NLA_F_NESTED: Final = 0x8000
NLA_TYPE_MASK: Final = 0x3FFF

# include/uapi/linux/rtnetlink.h, include/uapi/linux/if.h
RTM_NEWLINK: Final = 16
RTM_DELLINK: Final = 17
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_DELADDR: Final = 21
RTM_NEWROUTE: Final = 24
RTM_DELROUTE: Final = 25
RTNLGRP_LINK: Final = 1
RTN_UNICAST: Final = 1
RTPROT_BOOT: Final = 3
RT_SCOPE_UNIVERSE: Final = 0
RT_SCOPE_LINK: Final = 253
RT_SCOPE_NOWHERE: Final = 255
RT_TABLE_MAIN: Final = 254
IFF_UP: Final = 1

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

# enum mptcp_pm_attrs, and enum mptcp_pm_addr_attrs of an address
MPTCP_PM_ATTR_ADDR: Final = 1
MPTCP_PM_ATTR_RCV_ADD_ADDRS: Final = 2
MPTCP_PM_ATTR_SUBFLOWS: Final = 3
MPTCP_PM_ATTR_TOKEN: Final = 4
MPTCP_PM_ATTR_LOC_ID: Final = 5
MPTCP_PM_ATTR_ADDR_REMOTE: Final = 6
MPTCP_PM_ADDR_ATTR_FAMILY: Final = 1
MPTCP_PM_ADDR_ATTR_ID: Final = 2
MPTCP_PM_ADDR_ATTR_ADDR4: Final = 3
MPTCP_PM_ADDR_ATTR_ADDR6: Final = 4
MPTCP_PM_ADDR_ATTR_PORT: Final = 5
MPTCP_PM_ADDR_ATTR_FLAGS: Final = 6
MPTCP_PM_ADDR_ATTR_IF_IDX: Final = 7

# Commands
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
MPTCP_ATTR_TOKEN: Final = 1  # of enum mptcp_event_attr
MPTCP_PM_EV_FLAG_SERVER_SIDE: Final = 1 << 1

# include/uapi/linux/sock_diag.h, inet_diag.h
SOCK_DIAG_BY_FAMILY: Final = 20
SOCK_DESTROY: Final = 21
INET_DIAG_INFO: Final = 2
INET_DIAG_REQ_PROTOCOL: Final = 3
INET_DIAG_ULP_INFO: Final = 19
INET_DIAG_NOCOOKIE: Final = 0xFFFFFFFFFFFFFFFF

# struct inet_diag_req_v2: family, protocol, ext, states; then inet_diag_sockid: sport, dport (both
# in network order), src, dst, interface, cookie
INET_DIAG_REQ_V2: Final = Struct("=BBBxI2s2s16s16sIQ")

# struct inet_diag_msg: family, state, (timer, retrans), inet_diag_sockid as above, (expires,
# rqueue, wqueue), uid, inode
INET_DIAG_MSG: Final = Struct("=BB2x2s2s16s16sIQ12xII")

# Attributes in INET_DIAG_ULP_INFO, and in the one of MPTCP (include/uapi/linux/mptcp.h)
INET_ULP_INFO_MPTCP: Final = 3
MPTCP_SUBFLOW_ATTR_FLAGS: Final = 8
MPTCP_SUBFLOW_ATTR_ID_REM: Final = 9
MPTCP_SUBFLOW_ATTR_ID_LOC: Final = 10


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

# include/uapi/linux/bpf.h: commands of bpf(2), and what of union bpf_attr each takes
NR_BPF: Final = {"x86_64": 321, "aarch64": 280}
BPF_MAP_CREATE: Final = 0
BPF_PROG_LOAD: Final = 5
BPF_LINK_CREATE: Final = 28
BPF_ITER_CREATE: Final = 33

# map_type, key_size, value_size, max_entries, map_flags
BPF_ATTR_MAP_CREATE: Final = Struct("=5I")
# prog_type, insn_cnt, insns, license, log_level, log_size, log_buf, kern_version, prog_flags,
# prog_name, prog_ifindex, expected_attach_type, (func and line infos), attach_btf_id
BPF_ATTR_PROG_LOAD: Final = Struct("=2I2Q2IQ2I16s2I36xI")
# prog_fd, target_fd, attach_type, flags
BPF_ATTR_LINK_CREATE: Final = Struct("=4I")
# link_fd, flags
BPF_ATTR_ITER_CREATE: Final = Struct("=2I")

BPF_MAP_TYPE_ARRAY: Final = 2
BPF_F_MMAPABLE: Final = 1 << 10
BPF_PROG_TYPE_TRACING: Final = 26
BPF_TRACE_ITER: Final = 28

# Helpers, by which a program calls the kernel
BPF_FUNC_get_socket_cookie: Final = 46
BPF_FUNC_setsockopt: Final = 49
BPF_FUNC_getsockopt: Final = 57
BPF_FUNC_skc_to_tcp_sock: Final = 137

# Options of bpf_setsockopt alone, at IPPROTO_TCP
TCP_BPF_IW: Final = 1001
TCP_BPF_SNDCWND_CLAMP: Final = 1002
TCP_BPF_DELACK_MAX: Final = 1003
TCP_BPF_RTO_MIN: Final = 1004
TCP_BPF_SOCK_OPS_CB_FLAGS: Final = 1008

# struct bpf_insn: code, dst_reg and src_reg (a half octet each), off, imm
BPF_INSN: Final = Struct("=BBhi")
BPF_PSEUDO_MAP_VALUE: Final = 2

# Instructions are sums of these (also include/uapi/linux/bpf_common.h): class, ...
BPF_LD: Final = 0x00
BPF_LDX: Final = 0x01
BPF_ST: Final = 0x02
BPF_STX: Final = 0x03
BPF_JMP: Final = 0x05
BPF_ALU64: Final = 0x07
# ... size and mode of a load or store, ...
BPF_W: Final = 0x00
BPF_DW: Final = 0x18
BPF_IMM: Final = 0x00
BPF_MEM: Final = 0x60
# ... or operation and source: a constant or a register
BPF_ADD: Final = 0x00
BPF_MOV: Final = 0xB0
BPF_JA: Final = 0x00
BPF_JEQ: Final = 0x10
BPF_JNE: Final = 0x50
BPF_CALL: Final = 0x80
BPF_EXIT: Final = 0x90
BPF_K: Final = 0x00
BPF_X: Final = 0x08

# include/uapi/linux/seccomp.h
SECCOMP_SET_MODE_FILTER: Final = 1
SECCOMP_FILTER_FLAG_SPEC_ALLOW: Final = 1 << 2
SECCOMP_FILTER_FLAG_NEW_LISTENER: Final = 1 << 3
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: Final = 1 << 5
SECCOMP_USER_NOTIF_FLAG_CONTINUE: Final = 1
SECCOMP_ADDFD_FLAG_SEND: Final = 1 << 1
# struct seccomp_notif: id, pid, flags; struct seccomp_data: nr, arch, instruction_pointer, args
SECCOMP_NOTIF: Final = Struct("=QIIiIQ6Q")
# struct seccomp_notif_resp: id, val, error, flags
SECCOMP_NOTIF_RESP: Final = Struct("=QqiI")
# struct seccomp_notif_addfd: id, flags, srcfd, newfd, newfd_flags
SECCOMP_NOTIF_ADDFD: Final = Struct("=Q4I")
# As on every architecture whose ioctl numbers are those of include/uapi/asm-generic/ioctl.h
SECCOMP_IOCTL_NOTIF_RECV: Final = 0xC0502100
SECCOMP_IOCTL_NOTIF_SEND: Final = 0xC0182101
SECCOMP_IOCTL_NOTIF_ID_VALID: Final = 0x40082102
SECCOMP_IOCTL_NOTIF_ADDFD: Final = 0x40182103

# include/uapi/linux/tcp.h of the kernel that had draft-hesmans-mptcp-socket: at IPPROTO_TCP
MPTCP_GET_SUB_IDS: Final = 66
MPTCP_CLOSE_SUB_ID: Final = 67
MPTCP_GET_SUB_TUPLE: Final = 68
MPTCP_OPEN_SUB_TUPLE: Final = 69
MPTCP_GET_SUB_INFO: Final = 70
MPTCP_SUB_GETSOCKOPT: Final = 71
MPTCP_SUB_SETSOCKOPT: Final = 72
# struct mptcp_sub_ids: sub_count; struct mptcp_sub_status: id, and five flags in bits
MPTCP_SUB_IDS: Final = Struct("=Bx")
MPTCP_SUB_STATUS: Final = Struct("=BB")
# struct mptcp_close_sub_id, as the draft has it: id, how
MPTCP_CLOSE_SUB: Final = Struct("@B3xi")
# struct mptcp_sub_getsockopt: id, level, optname, *optval, *optlen
MPTCP_SUB_GET: Final = Struct("@B3xiiPP")
# struct mptcp_sub_setsockopt: id, level, optname, *optval, optlen
MPTCP_SUB_SET: Final = Struct("@B3xiiPI4x")


class SubStatusFlag(IntFlag):
    """The bits of ``struct mptcp_sub_status`` in that header."""

    SLAVE_SK = 1 << 0
    FULLY_ESTABLISHED = 1 << 1
    ATTACHED = 1 << 2
    LOW_PRIO = 1 << 3
    PRE_ESTABLISHED = 1 << 4


# include/uapi/linux/btf.h; struct btf_header: magic, version, flags, hdr_len, type_off, type_len,
# str_off, str_len; kind and vlen are parts of the info of struct btf_type (name_off, info, size)
BTF_MAGIC: Final = 0xEB9F
BTF_HEADER: Final = Struct("=HBB5I")
BTF_KIND_SHIFT: Final = 24
BTF_KIND_MASK: Final = 0x1F
BTF_VLEN_MASK: Final = 0xFFFF
BTF_KIND_FUNC: Final = 12
BTF_KIND_SIZES: Final = {
    1: (1, 0),  # INT
    2: (0, 0),  # PTR
    3: (3, 0),  # ARRAY
    4: (0, 3),  # STRUCT
    5: (0, 3),  # UNION
    6: (0, 2),  # ENUM
    7: (0, 0),  # FWD
    8: (0, 0),  # TYPEDEF
    9: (0, 0),  # VOLATILE
    10: (0, 0),  # CONST
    11: (0, 0),  # RESTRICT
    12: (0, 0),  # FUNC
    13: (0, 2),  # FUNC_PROTO
    14: (1, 0),  # VAR
    15: (0, 3),  # DATASEC
    16: (0, 0),  # FLOAT
    17: (1, 0),  # DECL_TAG
    18: (0, 0),  # TYPE_TAG
    19: (0, 3),  # ENUM64
}
"""By ``BTF_KIND_*``: 32-bit words behind ``struct btf_type``, and words for each of ``vlen``."""
