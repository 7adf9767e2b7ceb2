"""The options that one subflow can have of its own.

What a kernel lets a BPF iterator get and set was measured on Linux 6.1, 6.12 and 6.18, one option
at a time. The source are sol_socket_sockopt, sol_tcp_sockopt, sol_ip_sockopt and sol_ipv6_sockopt
in ``net/core/filter.c`` (Linux 6.1; the first such call is of 5.15, commit 3cee6fb8e69e).
"""

from __future__ import annotations

import socket
from enum import Enum
from errno import EOPNOTSUPP
from socket import IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET
from typing import Final, NamedTuple

from mptcpapi import abi
from mptcpapi.errors import Unsupported


class Kind(Enum):
    """How the value of an option looks, and where it comes from."""

    INTEGER = "an int of C"
    NAME = "a name"
    KNOWN = "known without asking the subflow's socket: it can be read by everybody, and not set"


class Option(NamedTuple):
    """One option."""

    level: int
    number: int
    name: str
    """As in C"""
    kind: Kind = Kind.INTEGER
    size: int = 4
    """Bytes of its value; of a name, the zero at its end included."""


OPTIONS: Final = (
    Option(SOL_SOCKET, socket.SO_REUSEADDR, "SO_REUSEADDR"),
    Option(SOL_SOCKET, socket.SO_SNDBUF, "SO_SNDBUF"),
    Option(SOL_SOCKET, socket.SO_RCVBUF, "SO_RCVBUF"),
    Option(SOL_SOCKET, socket.SO_KEEPALIVE, "SO_KEEPALIVE"),
    Option(SOL_SOCKET, socket.SO_PRIORITY, "SO_PRIORITY"),
    Option(SOL_SOCKET, socket.SO_REUSEPORT, "SO_REUSEPORT"),
    Option(SOL_SOCKET, socket.SO_RCVLOWAT, "SO_RCVLOWAT"),
    Option(SOL_SOCKET, socket.SO_MARK, "SO_MARK"),
    Option(SOL_SOCKET, abi.SO_MAX_PACING_RATE, "SO_MAX_PACING_RATE"),
    Option(SOL_SOCKET, abi.SO_BINDTOIFINDEX, "SO_BINDTOIFINDEX"),
    Option(SOL_SOCKET, abi.SO_TXREHASH, "SO_TXREHASH"),
    Option(SOL_SOCKET, socket.SO_BINDTODEVICE, "SO_BINDTODEVICE", Kind.NAME, abi.IFNAMSIZ),
    Option(SOL_SOCKET, socket.SO_TYPE, "SO_TYPE", Kind.KNOWN),
    Option(SOL_SOCKET, socket.SO_DOMAIN, "SO_DOMAIN", Kind.KNOWN),
    Option(SOL_SOCKET, socket.SO_PROTOCOL, "SO_PROTOCOL", Kind.KNOWN),
    Option(SOL_SOCKET, socket.SO_ERROR, "SO_ERROR", Kind.KNOWN),
    Option(SOL_SOCKET, abi.SO_COOKIE, "SO_COOKIE", Kind.KNOWN, 8),
    Option(IPPROTO_TCP, socket.TCP_NODELAY, "TCP_NODELAY"),
    Option(IPPROTO_TCP, socket.TCP_MAXSEG, "TCP_MAXSEG"),
    Option(IPPROTO_TCP, socket.TCP_KEEPIDLE, "TCP_KEEPIDLE"),
    Option(IPPROTO_TCP, socket.TCP_KEEPINTVL, "TCP_KEEPINTVL"),
    Option(IPPROTO_TCP, socket.TCP_KEEPCNT, "TCP_KEEPCNT"),
    Option(IPPROTO_TCP, socket.TCP_SYNCNT, "TCP_SYNCNT"),
    Option(IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, "TCP_WINDOW_CLAMP"),
    Option(IPPROTO_TCP, abi.TCP_THIN_LINEAR_TIMEOUTS, "TCP_THIN_LINEAR_TIMEOUTS"),
    Option(IPPROTO_TCP, socket.TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT"),
    Option(IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT"),
    Option(IPPROTO_TCP, abi.TCP_SAVE_SYN, "TCP_SAVE_SYN"),
    Option(IPPROTO_TCP, abi.TCP_RTO_MAX_MS, "TCP_RTO_MAX_MS"),
    Option(IPPROTO_TCP, socket.TCP_CONGESTION, "TCP_CONGESTION", Kind.NAME, abi.TCP_CA_NAME_MAX),
    Option(IPPROTO_TCP, abi.TCP_BPF_IW, "TCP_BPF_IW"),
    Option(IPPROTO_TCP, abi.TCP_BPF_SNDCWND_CLAMP, "TCP_BPF_SNDCWND_CLAMP"),
    Option(IPPROTO_TCP, abi.TCP_BPF_DELACK_MAX, "TCP_BPF_DELACK_MAX"),
    Option(IPPROTO_TCP, abi.TCP_BPF_RTO_MIN, "TCP_BPF_RTO_MIN"),
    Option(IPPROTO_TCP, abi.TCP_BPF_SOCK_OPS_CB_FLAGS, "TCP_BPF_SOCK_OPS_CB_FLAGS"),
    Option(IPPROTO_TCP, socket.TCP_INFO, "TCP_INFO", Kind.KNOWN, 1024),
    Option(IPPROTO_IP, socket.IP_TOS, "IP_TOS"),
    Option(IPPROTO_IPV6, socket.IPV6_TCLASS, "IPV6_TCLASS"),
    Option(IPPROTO_IPV6, abi.IPV6_AUTOFLOWLABEL, "IPV6_AUTOFLOWLABEL"),
)

_BY_NUMBER = {(option.level, option.number): option for option in OPTIONS}

_PREFIXES = {SOL_SOCKET: "SO_", IPPROTO_TCP: "TCP_", IPPROTO_IP: "IP_", IPPROTO_IPV6: "IPV6_"}


def find(level: int, number: int) -> Option:
    """The option with that number at that level.

    :raises Unsupported: one subflow cannot have it; the text names it and those that it can have
    """
    option = _BY_NUMBER.get((level, number))
    if option is not None:
        return option
    others = ", ".join(other.name for other in OPTIONS if other.level == level)
    raise Unsupported(
        EOPNOTSUPP,
        f"one subflow has no {_name(level, number)} of its own: no kernel lets a BPF program get "
        f"or set it. Options that it has at this level: {others or 'none'}",
    )


def _name(level: int, number: int) -> str:
    """As in Python's ``socket`` module; of several names the shortest is the option's."""
    prefix = _PREFIXES.get(level, "no such level")
    names = [name for name, value in vars(socket).items() if name.startswith(prefix)]
    found = [name for name in names if getattr(socket, name) == number]
    return min(found, key=len, default=f"option {number!r} at level {level!r}")
