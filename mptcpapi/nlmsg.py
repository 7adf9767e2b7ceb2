"""Netlink messages: framing only, from bytes to values (``include/uapi/linux/netlink.h``)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from errno import EBADMSG
from typing import NamedTuple

from mptcpapi import abi
from mptcpapi.errors import BadAnswer


class Message(NamedTuple):
    """One netlink message."""

    kind: int
    """``nlmsg_type``"""
    flags: int
    sequence: int
    raw: bytes
    """The whole message, header included."""

    @property
    def body(self) -> bytes:
        """What follows the header."""
        return self.raw[abi.NLMSGHDR.size :]


class Outcome(NamedTuple):
    """How a request ended."""

    errno: int
    """0: it succeeded."""
    text: str
    """The kernel's own sentence (extended acknowledgement); mostly empty."""


def frame(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A message for the kernel."""
    return abi.NLMSGHDR.pack(abi.NLMSGHDR.size + len(body), kind, flags, sequence, 0) + body


def split(datagram: bytes) -> Iterator[Message]:
    """The messages of one datagram, in order."""
    offset = 0
    while offset < len(datagram):
        if len(datagram) - offset < abi.NLMSGHDR.size:
            raise BadAnswer(EBADMSG, f"a netlink header is cut after {len(datagram)} bytes")
        length, kind, flags, sequence, _ = abi.NLMSGHDR.unpack_from(datagram, offset)
        if not abi.NLMSGHDR.size <= length <= len(datagram) - offset:
            raise BadAnswer(EBADMSG, f"a netlink message claims {length} bytes it does not have")
        yield Message(kind, flags, sequence, datagram[offset : offset + length])
        offset += _aligned(length)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each ``struct nlattr`` in ``data``, in order."""
    offset = 0
    while offset < len(data):
        if len(data) - offset < abi.NLATTR.size:
            raise BadAnswer(EBADMSG, f"a netlink attribute is cut after {len(data)} bytes")
        length, kind = abi.NLATTR.unpack_from(data, offset)
        if not abi.NLATTR.size <= length <= len(data) - offset:
            raise BadAnswer(EBADMSG, f"a netlink attribute claims {length} bytes it does not have")
        yield kind & abi.NLA_TYPE_MASK, data[offset + abi.NLATTR.size : offset + length]
        offset += _aligned(length)


def integer(payload: bytes, size: int) -> int:
    """The number that an attribute of ``size`` bytes holds, in the machine's byte order."""
    if len(payload) != size:
        raise BadAnswer(EBADMSG, f"a netlink integer of {len(payload)} bytes: expected {size}")
    return int.from_bytes(payload, sys.byteorder)


def attribute(kind: int, payload: bytes) -> bytes:
    """A ``struct nlattr`` with its padding."""
    length = abi.NLATTR.size + len(payload)
    return abi.NLATTR.pack(length, kind) + payload + bytes(_aligned(length) - length)


def number(kind: int, value: int, size: int) -> bytes:
    """An attribute that holds an integer of ``size`` bytes."""
    return attribute(kind, value.to_bytes(size, sys.byteorder))


def nested(kind: int, *inner: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | abi.NLA_F_NESTED, b"".join(inner))


def outcome(message: Message) -> Outcome:
    """What an NLMSG_ERROR or NLMSG_DONE says; both begin with a negated errno."""
    body = message.body
    if len(body) < abi.NLMSGERR_CODE.size:
        raise BadAnswer(EBADMSG, f"a netlink acknowledgement of {len(body)} bytes is too short")
    (code,) = abi.NLMSGERR_CODE.unpack_from(body)
    if not message.flags & abi.NLM_F_ACK_TLVS:
        return Outcome(-code, "")
    texts = dict(attributes(body[_tlv_offset(message) :]))
    text = texts.get(abi.NLMSGERR_ATTR_MSG, b"").rstrip(b"\0")
    return Outcome(-code, text.decode(errors="replace"))


def _tlv_offset(message: Message) -> int:
    """Where the attributes of an acknowledgement begin."""
    offset = abi.NLMSGERR_CODE.size
    if message.kind == abi.NLMSG_DONE:
        return offset
    if message.flags & abi.NLM_F_CAPPED:  # only the header of the refused request follows
        return offset + abi.NLMSGHDR.size
    if len(message.body) < offset + abi.NLMSGHDR.size:
        raise BadAnswer(EBADMSG, "a netlink acknowledgement lacks the request it answers")
    (length, *_) = abi.NLMSGHDR.unpack_from(message.body, offset)
    return offset + _aligned(int(length))


def _aligned(length: int) -> int:
    return (length + 3) & ~3
