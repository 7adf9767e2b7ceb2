"""Answers of a real kernel, for the tests of the decoders."""

from __future__ import annotations

import json
from pathlib import Path

from mptcpapi.nlmsg import Message, frame, split

ANSWERS: dict[str, str] = json.loads(
    (Path(__file__).parent / "data" / "kernel_answers.json").read_text(encoding="utf-8")
)


def raw(name: str) -> bytes:
    """What the kernel sent."""
    return bytes.fromhex(ANSWERS[name])


def messages(name: str) -> list[Message]:
    """The netlink messages in a datagram."""
    return list(split(raw(name)))


def message(name: str) -> Message:
    """The first netlink message in a datagram."""
    return messages(name)[0]


def with_body(body: bytes, like: Message) -> Message:
    """A well framed message with another body."""
    (framed,) = split(frame(like.kind, like.flags, like.sequence, body))
    return framed
