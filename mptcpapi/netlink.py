"""Requests to the kernel over AF_NETLINK, in the network namespace of a socket.

pyroute2's own sockets refuse to work in a thread with a running asyncio loop and know no deadline.
So the exchange happens here, over a plain socket; what the messages contain is declared in
pyroute2's way, in `mptcpapi.tables`.
"""

from __future__ import annotations

import ctypes
import math
import os
import select
import socket
from abc import ABC, abstractmethod
from contextlib import nullcontext, suppress
from errno import EBADF, EBADMSG, ENOBUFS, ENOENT, EOPNOTSUPP, EPERM, ETIMEDOUT
from functools import cache
from types import TracebackType
from typing import NamedTuple, Self

from mptcpapi import abi, syscalls
from mptcpapi.deadline import Deadline
from mptcpapi.errors import (
    BadAnswer,
    EventsLost,
    KernelRefused,
    SocketClosed,
    Unsupported,
    raise_if_exhausted,
)
from mptcpapi.netns import namespace_of, no_privilege
from mptcpapi.nlmsg import Message, attribute, attributes, frame, integer, outcome, split

_ANSWER_TIMEOUT = 5.0
"""Seconds; the kernel answers a request within the call that sends it."""
_DATAGRAM_SIZE = 1 << 16
_EVENT_BUFFER = 1 << 20
"""Bytes; room for about a thousand events."""


class Closing(ABC):
    """A context manager that closes itself when it is left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds; a second time is harmless."""


class Netlink(Closing):
    """One netlink socket, a context manager; for one thread at a time.

    ``protocol``: NETLINK_GENERIC or NETLINK_SOCK_DIAG. ``beside``: the descriptor of a socket in
    whose network namespace this one is opened, and stays; ``None``: that of the calling thread.
    ``made``: a netlink socket to use and to close, instead of opening one.
    """

    def __init__(
        self, protocol: int, *, beside: int | None = None, made: socket.socket | None = None
    ) -> None:
        self._sequence = 0
        self._socket = made or _opened(protocol, beside)
        # A socket without an address receives no multicast; (0, 0) lets the kernel choose one.
        self._socket.bind((0, 0))
        self._socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_CAP_ACK, 1)

    def close(self) -> None:
        """Close it; a second time is harmless."""
        self._socket.close()

    def fileno(self) -> int:
        """The descriptor, for ``select`` and its kin."""
        return self._socket.fileno()

    def request(self, kind: int, body: bytes, *, flags: int = 0) -> list[Message]:
        """What the kernel answers to one request, its acknowledgement left out.

        :raises NoPrivilege: EPERM
        :raises KernelRefused: any other errno, with the kernel's own sentence
        """
        self._sequence += 1
        flags |= abi.NLM_F_REQUEST | abi.NLM_F_ACK
        try:
            self._socket.sendto(frame(kind, flags, self._sequence, body), (0, 0))
        except OSError as failed:
            raise _socket_error(failed) from failed
        deadline = Deadline(_ANSWER_TIMEOUT)
        answers: list[Message] = []
        while not deadline.passed:
            for message in self.receive(deadline.left):
                if message.sequence != self._sequence:
                    continue  # answers an earlier request that was given up
                if message.kind in {abi.NLMSG_ERROR, abi.NLMSG_DONE}:
                    _raise_refusal(message)
                    return answers
                answers.append(message)
        raise KernelRefused(ETIMEDOUT, f"no answer over netlink within {_ANSWER_TIMEOUT:.0f} s")

    def join(self, group: int) -> None:
        """Receive what is sent to the multicast group, from now on.

        :raises NoPrivilege: the group wants CAP_NET_ADMIN
        """
        with suppress(PermissionError):  # older kernels forbid it in user namespaces: do with less
            self._socket.setsockopt(socket.SOL_SOCKET, abi.SO_RCVBUFFORCE, _EVENT_BUFFER)
        try:
            self._socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_ADD_MEMBERSHIP, group)
        except PermissionError as refused:
            raise no_privilege() from refused

    def drop_everything(self) -> None:
        """Let the kernel throw away what would be queued here; only that one listens counts."""
        nothing = ctypes.create_string_buffer(abi.SOCK_FILTER.pack(abi.BPF_RET, 0, 0, 0))
        program = abi.SOCK_FPROG.pack(1, ctypes.addressof(nothing))
        self._socket.setsockopt(socket.SOL_SOCKET, abi.SO_ATTACH_FILTER, program)

    def receive(self, timeout: float) -> list[Message]:
        """The messages of the next datagram; none if ``timeout`` seconds passed without one.

        :raises EventsLost: the kernel dropped messages, because the buffer was full
        """
        # An answer is there when the request has returned: look first, and wait only if need be.
        try:
            datagram, (sender, _) = self._socket.recvfrom(_DATAGRAM_SIZE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return self.receive(0) if timeout > 0 and self._wait(timeout) else []
        except OSError as failed:
            raise _receive_error(failed) from failed
        return list(split(datagram)) if sender == 0 else []  # 0: the kernel, not a process

    def _wait(self, timeout: float) -> bool:
        """Whether there is something to receive within ``timeout`` seconds."""
        waiting = select.poll()  # select() takes no descriptor above 1023
        try:
            waiting.register(self._socket, select.POLLIN)
        except ValueError as closed:  # by another thread: its descriptor is -1
            raise _socket_error(OSError(EBADF, "")) from closed
        return bool(waiting.poll(math.ceil(timeout * 1000)))


def _opened(protocol: int, beside: int | None) -> socket.socket:
    with nullcontext() if beside is None else namespace_of(beside):
        try:
            return syscalls.current.netlink(protocol)
        except OSError as refused:
            raise_if_exhausted(refused)
            text = f"cannot open a netlink socket: {refused.strerror}"
            raise KernelRefused(refused.errno, text) from refused


class Family(NamedTuple):
    """The generic netlink family of the MPTCP path manager, as this kernel numbers it."""

    id: int
    event_group: int


@cache
def mptcp_pm_family() -> Family:
    """Ask the kernel for its numbers; they last until it reboots.

    :raises Unsupported: a kernel without the family (before Linux 5.6, or without CONFIG_MPTCP)
    """
    name = attribute(abi.CTRL_ATTR_FAMILY_NAME, abi.MPTCP_PM_NAME.encode() + b"\0")
    body = abi.GENLMSGHDR.pack(abi.CTRL_CMD_GETFAMILY, 1, 0) + name
    with Netlink(abi.NETLINK_GENERIC) as netlink:
        try:
            (answer,) = netlink.request(abi.GENL_ID_CTRL, body)
        except KernelRefused as refused:
            if refused.errno != ENOENT:
                raise
            text = "this kernel has no netlink family 'mptcp_pm': it is built without MPTCP"
            raise Unsupported(EOPNOTSUPP, text) from refused
    return decode_family(answer.body)


def decode_family(body: bytes) -> Family:
    """What CTRL_CMD_GETFAMILY answered about mptcp_pm."""
    found = dict(attributes(body[abi.GENLMSGHDR.size :]))
    for _, group in attributes(found.get(abi.CTRL_ATTR_MCAST_GROUPS, b"")):
        fields = dict(attributes(group))
        name = fields.get(abi.CTRL_ATTR_MCAST_GRP_NAME, b"").rstrip(b"\0")
        if name == abi.MPTCP_PM_EV_GRP_NAME.encode():
            return Family(
                id=integer(found.get(abi.CTRL_ATTR_FAMILY_ID, b""), 2),
                event_group=integer(fields.get(abi.CTRL_ATTR_MCAST_GRP_ID, b""), 4),
            )
    raise BadAnswer(EBADMSG, f"mptcp_pm has no multicast group '{abi.MPTCP_PM_EV_GRP_NAME}'")


def _raise_refusal(acknowledgement: Message) -> None:
    code, text = outcome(acknowledgement)
    if code == EPERM:
        raise no_privilege()
    if code:
        raise KernelRefused(code, text or os.strerror(code))


def _receive_error(failed: OSError) -> OSError:
    if failed.errno == ENOBUFS:
        text = "events came faster than they were read and some are lost: look at the state again"
        return EventsLost(ENOBUFS, text)
    return _socket_error(failed)


def _socket_error(failed: OSError) -> OSError:
    if failed.errno == EBADF:
        return SocketClosed(EBADF, "this netlink socket is closed")
    return KernelRefused(failed.errno, f"netlink: {failed.strerror}")
