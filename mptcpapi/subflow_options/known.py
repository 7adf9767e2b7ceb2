"""Options whose value is known without asking the subflow's socket: no privilege is needed."""

from __future__ import annotations

import socket
import sys
from typing import Final

from mptcpapi.info import Subflow, read_full_info
from mptcpapi.subflow import pick, read_tcp_info
from mptcpapi.subflow_options.table import Option
from mptcpapi.subflow_options.target import locate

_THE_SAME_FOR_ALL: Final = {
    "SO_TYPE": socket.SOCK_STREAM,
    "SO_PROTOCOL": socket.IPPROTO_TCP,
    "SO_ERROR": 0,  # an error ends a subflow, and then it is not listed any more
}


def read(fd: int, which: Subflow | int, option: Option) -> bytes:
    """The value, as ``getsockopt`` on the subflow's socket would give it.

    :raises NoSuchSubflow: the connection has no such subflow
    """
    if option.name == "TCP_INFO":
        return read_tcp_info(fd, which, option.size)
    if option.name == "SO_COOKIE":
        return _integer(option, locate(fd, which).cookie)
    entry = pick(read_full_info(fd).subflows, which)
    if option.name == "SO_DOMAIN":
        return _integer(option, entry.local.family)
    return _integer(option, _THE_SAME_FOR_ALL[option.name])


def _integer(option: Option, value: int) -> bytes:
    return value.to_bytes(option.size, sys.byteorder)
