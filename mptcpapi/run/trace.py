"""One line for each call that is answered, as strace(1) writes them."""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from errno import EIO, EOPNOTSUPP, errorcode
from typing import Final

from mptcpapi.run.answering import OPTION_NAMES, OldCall
from mptcpapi.run.filter import SOCK_TYPE_MASK
from mptcpapi.run.listener import Notice

_FAMILIES: Final[dict[int, str]] = {socket.AF_INET: "AF_INET", socket.AF_INET6: "AF_INET6"}
_PROTOCOLS: Final = {0: "IPPROTO_IP", socket.IPPROTO_TCP: "IPPROTO_TCP"}


class Trace:
    """Writes to the descriptor ``fd``; nothing, if there is none."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd

    def upgraded(self, notice: Notice, made: int) -> None:
        """A socket that became MPTCP."""
        self._say(notice, f"{_socket_call(notice)} = {made} (MPTCP)")

    def not_upgraded(self, notice: Notice, why: OSError) -> None:
        """A socket that the kernel makes as it was asked for."""
        self._say(notice, f"{_socket_call(notice)} = ? (TCP: {_reason(why)})")

    def option(self, notice: Notice, call: OldCall, failure: OSError | None) -> None:
        """An old option."""
        result = "0" if failure is None else f"-1 {_reason(failure)}"
        name = "getsockopt" if call.getting else "setsockopt"
        option = OPTION_NAMES.get(call.option, call.option)
        arguments = f"{call.descriptor}, IPPROTO_TCP, {option}, {call.shown}, {call.shown_length}"
        self._say(notice, f"{name}({arguments}) = {result}")

    def refused(self, notice: Notice, failure: OSError) -> None:
        """A call that failed before it was looked at."""
        self._say(notice, f"a call that cannot be looked at: -1 {_reason(failure)}")

    def gone(self, notice: Notice) -> None:
        """A call whose thread was killed, or cannot be seen."""
        self._say(notice, "killed in a call, or out of sight")

    def defect(self, notice: Notice, defect: Exception) -> None:
        """What should not be."""
        kind = type(defect).__name__
        self._say(notice, f"a defect of mptcpapi, please report it: {kind}: {defect}")

    def _say(self, notice: Notice, text: str) -> None:
        if self._fd is not None:
            with suppress(OSError):  # nobody reads it any more
                _write(self._fd, f"[{notice.tid}] {text}\n".encode(errors="backslashreplace"))


def _write(fd: int, line: bytes) -> None:
    """Write all of it, though the program may have made the file non-blocking: it shares it."""
    while line:
        try:
            line = line[os.write(fd, line) :]
        except BlockingIOError:
            select.select([], [fd], [])


def _reason(failure: OSError) -> str:
    code = failure.errno or EIO
    name = "EOPNOTSUPP" if code == EOPNOTSUPP else errorcode.get(code, code)  # it has two
    return f"{name} ({failure.strerror or os.strerror(code)})"


def _socket_call(notice: Notice) -> str:
    family, kind, protocol = map(notice.integer, range(3))
    flags = [
        name
        for name in ("SOCK_CLOEXEC", "SOCK_NONBLOCK")
        if kind & ~SOCK_TYPE_MASK & getattr(socket, name)
    ]
    kinds = "|".join(["SOCK_STREAM", *flags])
    return f"socket({_FAMILIES[family]}, {kinds}, {_PROTOCOLS[protocol]})"
