"""Receiving and sending by those functions that a plug-in has.

libioth does the calls that a plug-in lacks by others: recv by recvfrom, and that by recvmsg; send
by sendto, and that by sendmsg.
"""

from __future__ import annotations

import ctypes
import select
from collections.abc import Callable
from typing import Any

from mptcpapi.stacks import sockaddr
from mptcpapi.stacks.ioth_functions import Plugin

Call = Callable[..., int]
"""Calls a function by its name, for the socket: what poll(2) has to say before, and arguments."""


class Vector(ctypes.Structure):
    """``struct iovec``, <sys/uio.h>."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Message(ctypes.Structure):
    """``struct msghdr``, <sys/socket.h>."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("vectors", ctypes.POINTER(Vector)),
        ("count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


def receive(plugin: Plugin, call: Call, size: int, flags: int) -> tuple[bytes, Any]:
    """Data, and the address of its sender if the call tells it."""
    if size < 0:
        raise ValueError("negative buffersize in recv")
    data, event = ctypes.create_string_buffer(max(size, 1)), select.POLLIN
    address, length = sockaddr.space()
    if plugin.has("recvfrom"):
        count = call("recvfrom", event, data, size, flags, address, ctypes.byref(length))
        return data.raw[:count], sockaddr.unpack(address.raw[: length.value])
    if plugin.has("recv"):
        return data.raw[: call("recv", event, data, size, flags)], None
    if plugin.has("recvmsg"):
        message = _message(data, size, address, length.value)
        count = call("recvmsg", event, ctypes.byref(message), flags)
        return data.raw[:count], sockaddr.unpack(address.raw[: message.name_length])
    return data.raw[: call("read", event, data, size)], None


def send(plugin: Plugin, call: Call, octets: bytes, flags: int, to: bytes = b"") -> int:
    """Send to an address, or to the peer; how many bytes are on their way."""
    event, size = select.POLLOUT, len(octets)
    if plugin.has("send") and not to:
        return call("send", event, octets, size, flags)
    if plugin.has("sendto") or (to and not plugin.has("sendmsg")):
        return call("sendto", event, octets, size, flags, to or None, len(to))
    if plugin.has("sendmsg"):
        data, name = (ctypes.create_string_buffer(each) for each in (octets, to))
        message = _message(data, size, name if to else None, len(to))
        return call("sendmsg", event, ctypes.byref(message), flags)
    return call("write", event, octets, size)


def octets_of(data: Any) -> bytes:
    """What ``socket`` takes: anything with a buffer. ``bytes(5)`` would be five zeros."""
    return memoryview(data).tobytes()


def _message(data: Any, size: int, name: Any, name_length: int) -> Message:
    """It refers to ``data`` and ``name``, arrays of ``c_char``."""
    vector = Vector(ctypes.addressof(data), size)
    where = None if name is None else ctypes.addressof(name)
    return Message(where, name_length, ctypes.pointer(vector), 1)
