"""Every error that this package raises on purpose; the branches say who must act.

MptcpError                       an OSError: ``errno`` is always set
├── MachineError                 the owner of the machine must act
│   ├── Unavailable              no MPTCP sockets can be made here; the text says why
│   ├── Unsupported              this kernel lacks what was asked
│   ├── NoPrivilege              a capability is missing (also a PermissionError)
│   ├── PathManagerNotUserspace  the kernel itself manages this connection's paths
│   └── StackUnavailable         a network stack cannot be made here; the text says why
├── UsageError                   the caller must act
│   ├── InvalidArgument          an address, a port, a family, a time that cannot be (a ValueError)
│   ├── SocketClosed             the socket was closed
│   ├── NoSuchConnection         there is none with this token, or this process and descriptor
│   ├── NoSuchSubflow            the connection has no such subflow
│   ├── FallenBack               the connection is TCP
│   ├── ConnectionEnded          the connection is not, or no longer, established
│   ├── StackBusy                sockets of the network stack are open
│   └── StackDeleted             the network stack was deleted
├── NetworkError                 the peer or the path did not do its part
│   ├── SubflowRefused           a subflow was refused; ``reset_reason`` if the peer gave one
│   └── SubflowTimeout           the deadline passed (also a TimeoutError)
└── KernelError                  the kernel's side of the exchange went wrong
    ├── KernelRefused            it refused a request, for the reason in the text
    ├── EventsLost               events came faster than they were read: look at the state again
    └── BadAnswer                its answer cannot be decoded: a defect, please report it
"""

from __future__ import annotations

import os
from errno import EINVAL, EMFILE, ENFILE
from typing import TypeGuard


class MptcpError(OSError):
    """Root of this package's errors."""

    errno: int
    strerror: str
    """What happened, where, and what to do."""


class MachineError(MptcpError):
    """What the owner of the machine can mend."""


class Unavailable(MachineError):
    """Sockets of IPPROTO_MPTCP cannot be made; the errno is that of ``socket()``."""


class Unsupported(MachineError):
    """This kernel lacks what was asked (EOPNOTSUPP)."""


class NoPrivilege(MachineError, PermissionError):
    """A capability is missing, which the text names (EPERM)."""


class PathManagerNotUserspace(MachineError):
    """The connection's path manager is the kernel's own (EINVAL)."""


class StackUnavailable(MachineError):
    """A network stack cannot be made here: its library, its plug-in, or its network is missing."""


class UsageError(MptcpError):
    """What the caller can mend."""


class InvalidArgument(UsageError, ValueError):
    """An argument that cannot be: an address, a port, a family, a time (EINVAL)."""


class SocketClosed(UsageError):
    """The socket is closed, or was closed during the call (EBADF)."""


class NoSuchConnection(UsageError):
    """None has this token (ENOENT); no such process (ESRCH), or descriptor of it (EBADF)."""


class NoSuchSubflow(UsageError):
    """The connection has no such subflow (EINVAL, as in the draft's socket API)."""


class FallenBack(UsageError):
    """The connection is TCP: made so, or fallen back to it (EOPNOTSUPP)."""


class ConnectionEnded(UsageError):
    """The connection is not established, or ended during the call (ENOTCONN)."""


class StackBusy(UsageError):
    """Sockets of the network stack are open, so that it cannot be deleted (EBUSY)."""


class StackDeleted(UsageError):
    """The network stack was deleted (EBADF)."""


class NetworkError(MptcpError):
    """What the peer or the path did."""


class SubflowRefused(NetworkError):
    """A subflow could not be opened; the errno is the kernel's."""

    reset_reason: int | None = None
    """The reason in the peer's MP_TCPRST (RFC 8684, section 3.6); ``None``: it gave none."""


class SubflowTimeout(NetworkError, TimeoutError):
    """What was asked did not happen before the deadline (ETIMEDOUT)."""


class KernelError(MptcpError):
    """The exchange with the kernel went wrong."""


class KernelRefused(KernelError):
    """The kernel refused a request; the text has its extended acknowledgement, if it sent one."""


class EventsLost(KernelError):
    """Events came faster than they were read, and the kernel dropped some (ENOBUFS)."""


class BadAnswer(KernelError):
    """The kernel's answer is not what its headers promise (EBADMSG)."""


def raise_if_exhausted(failed: Exception) -> None:
    """Tell a lack of descriptors from whatever else a failed call can mean.

    :raises KernelRefused: ``failed`` is EMFILE or ENFILE
    """
    if isinstance(failed, OSError) and failed.errno in {EMFILE, ENFILE}:
        why = os.strerror(failed.errno)
        text = f"no descriptor is left ({why}): close some, or raise ulimit -n"
        raise KernelRefused(failed.errno, text) from failed


def is_integer(value: object) -> TypeGuard[int]:
    """Whether it is an integer; to Python ``True`` is one, here it is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_integer(what: str, value: object, least: int, most: int) -> None:
    """Refuse what is no integer from ``least`` to ``most``.

    :raises InvalidArgument: it is none
    """
    if not is_integer(value) or not least <= value <= most:
        text = f"{what} {value!r}: expected an integer from {least} to {most}"
        raise InvalidArgument(EINVAL, text)
