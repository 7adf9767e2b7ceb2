"""Every public name of the package; ``mptcpapi`` itself gives them from here."""

from mptcpapi.abi import IPPROTO_MPTCP, AddressFlag, TcpState
from mptcpapi.announcing import announce, path_manager, withdraw
from mptcpapi.borrowing import Borrowed
from mptcpapi.closing import abort_subflow, close_subflow
from mptcpapi.connection import Socket, create_connection, create_server
from mptcpapi.control import set_backup
from mptcpapi.discovery import Connection, connections
from mptcpapi.endpoint import Endpoint
from mptcpapi.errors import (
    BadAnswer,
    ConnectionEnded,
    EventsLost,
    FallenBack,
    InvalidArgument,
    KernelError,
    KernelRefused,
    MachineError,
    MptcpError,
    NetworkError,
    NoPrivilege,
    NoSuchConnection,
    NoSuchSubflow,
    PathManagerNotUserspace,
    SocketClosed,
    StackBusy,
    StackDeleted,
    StackUnavailable,
    SubflowRefused,
    SubflowTimeout,
    Unavailable,
    Unsupported,
    UsageError,
)
from mptcpapi.event import Event, EventKind
from mptcpapi.events import EventStream
from mptcpapi.info import Subflow
from mptcpapi.managed import (
    Limits,
    ManagedAddress,
    add_endpoint,
    endpoints,
    limits,
    remove_endpoint,
    set_limits,
)
from mptcpapi.mib import counters
from mptcpapi.mptcpinfo import MptcpInfo, mptcp_info
from mptcpapi.opening import open_subflow
from mptcpapi.processes import Owner
from mptcpapi.settings import set_path_manager
from mptcpapi.subflow import SubflowDetails, in_use, subflow_details, subflows, token
from mptcpapi.subflow_options import get_subflow_option, set_subflow_option
from mptcpapi.tcpinfo import TcpInfo, tcp_info

__all__ = [
    "IPPROTO_MPTCP",
    "AddressFlag",
    "BadAnswer",
    "Borrowed",
    "Connection",
    "ConnectionEnded",
    "Endpoint",
    "Event",
    "EventKind",
    "EventStream",
    "EventsLost",
    "FallenBack",
    "InvalidArgument",
    "KernelError",
    "KernelRefused",
    "Limits",
    "MachineError",
    "ManagedAddress",
    "MptcpError",
    "MptcpInfo",
    "NetworkError",
    "NoPrivilege",
    "NoSuchConnection",
    "NoSuchSubflow",
    "Owner",
    "PathManagerNotUserspace",
    "Socket",
    "SocketClosed",
    "StackBusy",
    "StackDeleted",
    "StackUnavailable",
    "Subflow",
    "SubflowDetails",
    "SubflowRefused",
    "SubflowTimeout",
    "TcpInfo",
    "TcpState",
    "Unavailable",
    "Unsupported",
    "UsageError",
    "abort_subflow",
    "add_endpoint",
    "announce",
    "close_subflow",
    "connections",
    "counters",
    "create_connection",
    "create_server",
    "endpoints",
    "get_subflow_option",
    "in_use",
    "limits",
    "mptcp_info",
    "open_subflow",
    "path_manager",
    "remove_endpoint",
    "set_backup",
    "set_limits",
    "set_path_manager",
    "set_subflow_option",
    "subflow_details",
    "subflows",
    "tcp_info",
    "token",
    "withdraw",
]
