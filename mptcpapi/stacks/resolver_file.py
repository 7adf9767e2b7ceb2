"""The file that names the servers of a stack's resolver, as ``/etc/resolv.conf``."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from errno import EINVAL
from ipaddress import ip_address
from pathlib import Path

from mptcpapi.errors import InvalidArgument, raise_if_exhausted

LIMIT = 65536
"""bytes; a file with more is something else."""


def read(file: str) -> str:
    """What stands in it, seen to be text that names a server. It never waits.

    :raises InvalidArgument: it cannot be read, or is no such file
    """
    content = _content(file)
    if len(content) > LIMIT:
        raise refused(file, f"is too large: more than {LIMIT} bytes are no list of servers")
    try:
        text = content.decode("utf-8-sig")  # an editor may have put a byte order mark first
    except UnicodeDecodeError as wrong:
        raise refused(file, f"is no text: byte {wrong.start} is not UTF-8") from wrong
    if "\0" in text:
        raise refused(file, "is no text: it has a zero byte")
    _check_servers(file, text)
    return text


def refused(file: object, why: object) -> InvalidArgument:
    """The error about such a file."""
    return InvalidArgument(EINVAL, f"resolver file {file!r}: {why}")


def _content(file: str) -> bytes:
    fd = _descriptor(file)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise refused(file, "is no regular file")
        return os.read(fd, LIMIT + 1)
    finally:
        os.close(fd)


def _descriptor(file: str) -> int:
    try:
        # Without O_NONBLOCK, opening a FIFO waits for somebody to write into it.
        return os.open(Path(file), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (TypeError, ValueError) as wrong:
        raise refused(file, f"cannot be a path: {wrong}") from wrong
    except OSError as failed:
        raise_if_exhausted(failed)
        raise refused(file, f"cannot be read: {failed.strerror}") from failed


def _check_servers(file: str, text: str) -> None:
    servers = list(_servers(text))
    if not servers:
        raise refused(file, "names no server: expected a line as 'nameserver 10.0.0.53'")
    for server in servers:
        try:
            ip_address(server)
        except ValueError as wrong:
            raise refused(file, f"nameserver {server!r}: expected an address") from wrong


def _servers(text: str) -> Iterator[str]:
    """As resolv.conf(5): the keyword starts the line."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and len(words) > 1:
            yield words[1]
