"""What the program itself may do: its supervisor may do more.

The operations are carried out with the supervisor's capabilities. The old kernel asked for none to
open a subflow or to close one. But what every kernel asks of whoever binds to a port, or sets an
option, is asked of the program here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from errno import EACCES, EPERM
from io import FileIO
from pathlib import Path
from socket import IPPROTO_TCP, SO_BINDTODEVICE, SO_MARK, SO_PRIORITY, SOL_SOCKET, TCP_CONGESTION
from typing import Final

from mptcpapi import abi, syscalls
from mptcpapi.errors import NoPrivilege, SubflowRefused
from mptcpapi.netns import namespace_of
from mptcpapi.run.caller import Caller

_PORT_START: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_CONGESTION_CONTROLS: Final = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
_PRIORITIES: Final = range(7)
"""``sk_setsockopt`` in ``net/core/sock.c``: the values of SO_PRIORITY that take no capability."""


def check_local_port(caller: Caller, fd: int, port: int) -> None:
    """Refuse a port for which the program lacks CAP_NET_BIND_SERVICE; ``fd``: its socket here.

    Source: ``inet_port_requires_bind_service`` in ``include/net/ip.h``.

    :raises SubflowRefused: it does (EACCES)
    """
    if 0 < port < int(_read_there(fd, _PORT_START)) and not _has(
        caller, fd, abi.CAP_NET_BIND_SERVICE
    ):
        text = f"the local port {port} takes CAP_NET_BIND_SERVICE, which the program lacks"
        raise SubflowRefused(EACCES, text)


def check_option(caller: Caller, fd: int, level: int, option: int, value: bytes) -> None:
    """Refuse an option that the program could not set itself.

    A BPF program, which sets those of one subflow, is not asked for capabilities. Source:
    ``sk_setsockopt`` in ``net/core/sock.c``, ``tcp_set_congestion_control`` in ``net/ipv4``.

    :raises NoPrivilege: it lacks a capability (EPERM)
    """
    capabilities, is_free = _PROTECTED.get((level, option), ((), _always))
    if is_free(fd, value) or any(_has(caller, fd, each) for each in capabilities):
        return
    wanted = " or ".join(_NAMES[each] for each in capabilities)
    raise NoPrivilege(EPERM, f"setting it takes {wanted}, which the program lacks")


def _always(fd: int, value: bytes) -> bool:
    return True


def _never(fd: int, value: bytes) -> bool:
    return False


def _is_free_priority(fd: int, value: bytes) -> bool:
    return int.from_bytes(value[:4], sys.byteorder, signed=True) in _PRIORITIES


def _is_free_congestion_control(fd: int, value: bytes) -> bool:
    name = value.partition(b"\0")[0].decode("utf-8", errors="replace")
    return name in _read_there(fd, _CONGESTION_CONTROLS).split()


_NAMES: Final = {abi.CAP_NET_ADMIN: "CAP_NET_ADMIN", abi.CAP_NET_RAW: "CAP_NET_RAW"}
_PROTECTED: Final[dict[tuple[int, int], tuple[tuple[int, ...], Callable[[int, bytes], bool]]]] = {
    (SOL_SOCKET, SO_MARK): ((abi.CAP_NET_ADMIN, abi.CAP_NET_RAW), _never),
    (SOL_SOCKET, SO_PRIORITY): ((abi.CAP_NET_ADMIN, abi.CAP_NET_RAW), _is_free_priority),
    # To bind an unbound socket takes none (Linux 5.7). Whether it is bound is not looked at.
    (SOL_SOCKET, SO_BINDTODEVICE): ((abi.CAP_NET_RAW,), _never),
    (SOL_SOCKET, abi.SO_BINDTOIFINDEX): ((abi.CAP_NET_RAW,), _never),
    (IPPROTO_TCP, TCP_CONGESTION): ((abi.CAP_NET_ADMIN,), _is_free_congestion_control),
}
"""Options that are not everybody's: one of these capabilities will do; and which values are."""


def _read_there(fd: int, sysctl: Path) -> str:
    """A sysctl of the network namespace of the socket."""
    with namespace_of(fd):
        return sysctl.read_text(encoding="ascii")


def _has(caller: Caller, fd: int, capability: int) -> bool:
    """Whether the program has the capability over the network namespace of the socket.

    As ``cap_capable`` in ``security/commoncap.c`` decides it: the program is in the user namespace
    that owns it, or in one above. What lies above this process's own is not seen, and not had.
    """
    identity = caller.identity
    with FileIO(caller.open("ns/user")) as own:
        owned = syscalls.current.ioctl(fd, abi.SIOCGSKNS)
        request = abi.NS_GET_USERNS
        while True:
            with owned:
                try:
                    owner = syscalls.current.ioctl(owned.fileno(), request)
                except OSError:  # there is none, or it lies above this process's own
                    return False
            if os.path.samestat(os.fstat(owner.fileno()), os.fstat(own.fileno())):
                owner.close()
                return bool(identity.capabilities >> capability & 1)
            owned, request = owner, abi.NS_GET_PARENT
