"""The old options, one by one: what the program passed, what is done, what it gets."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from errno import EINVAL, ENOPROTOOPT, ENOTSOCK, EOPNOTSUPP
from typing import Final

from mptcpapi import abi, draft
from mptcpapi.borrowing import Borrowed
from mptcpapi.errors import ConnectionEnded, FallenBack, InvalidArgument, Unsupported, UsageError
from mptcpapi.info import mptcp_in_use, read_names
from mptcpapi.run import layouts, rights, suboptions
from mptcpapi.run.caller import Caller
from mptcpapi.run.listener import Notice
from mptcpapi.run.memory import UINT

OPEN_TIMEOUT: Final = 5.0
"""Seconds for which a program waits while a subflow is opened for it."""


OPTION_NAMES: Final = {
    abi.MPTCP_GET_SUB_IDS: "MPTCP_GET_SUB_IDS",
    abi.MPTCP_CLOSE_SUB_ID: "MPTCP_CLOSE_SUB_ID",
    abi.MPTCP_GET_SUB_TUPLE: "MPTCP_GET_SUB_TUPLE",
    abi.MPTCP_OPEN_SUB_TUPLE: "MPTCP_OPEN_SUB_TUPLE",
    abi.MPTCP_GET_SUB_INFO: "MPTCP_GET_SUB_INFO",
    abi.MPTCP_SUB_GETSOCKOPT: "MPTCP_SUB_GETSOCKOPT",
    abi.MPTCP_SUB_SETSOCKOPT: "MPTCP_SUB_SETSOCKOPT",
}


class OldCall:
    """A getsockopt (``getting``) or setsockopt with an old option, while it is answered."""

    def __init__(self, caller: Caller, notice: Notice, *, getting: bool) -> None:
        self.caller = caller
        self.getting = getting
        self.descriptor, _, self.option = map(notice.integer, range(3))
        self.value_at = notice.arguments[3]
        """Where the program has the struct."""
        self.length_at = notice.arguments[4] if getting else None
        """Where it has the struct's length."""
        self.length = notice.integer(4)
        """Bytes of the struct; of getsockopt not before `read_length`."""
        self.sock = Borrowed(-1)
        """The socket, while `carry_out` has it."""
        self.shown = f"{self.value_at:#x}"
        """The struct, for the trace: its address, until it is read."""
        self.shown_length = str(self.length) if self.length_at is None else f"{self.length_at:#x}"
        """Its length, for the trace: the address, until it is read."""

    def read_length(self) -> None:
        """Learn the length of the struct."""
        if self.length_at is not None:
            self.length = self.caller.memory.read_length(self.length_at)
            self.shown_length = f"[{self.length}]"

    def write_length(self) -> None:
        """Tell the program the length of the struct as it now is."""
        if self.length_at is not None:
            self.write(self.length_at, UINT.pack(self.length))

    def struct(self, most: int) -> bytes:
        """What the program passed, but no more than ``most`` bytes.

        :raises InvalidArgument: a negative length
        """
        if self.length < 0:
            raise InvalidArgument(EINVAL, f"a length of {self.length} bytes")
        return self.caller.memory.read(self.value_at, min(self.length, most))

    def subflow(self) -> int:
        """The id with which the struct begins.

        :raises InvalidArgument: it has no room for one
        """
        data = self.struct(layouts.ID_SIZE)
        if not data:
            raise InvalidArgument(EINVAL, "a struct of 0 bytes has no room for an id")
        self.shown = f"{{id={data[0]}}}"
        return data[0]

    def put(self, data: bytes) -> None:
        """Write into the program's struct, and say how much it is.

        :raises InvalidArgument: there is not room enough
        """
        if self.length < len(data):
            text = f"{self.length} bytes are too few: it takes {len(data)}"
            raise InvalidArgument(EINVAL, text)
        self.write(self.value_at, data)
        self.length = len(data)
        self.shown_length = f"[{self.length}]"

    def write(self, address: int, data: bytes) -> None:
        """Write into the program's memory.

        :raises Gone: it was killed
        """
        self.caller.still_waits()
        self.caller.memory.write(address, data)


def _check_socket(fd: int) -> None:
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        raise UsageError(ENOTSOCK, "the descriptor is not a socket")


def _check_connection(fd: int) -> None:
    """Refuse what has no subflows, with the one errno that the old kernel had for it."""
    if not mptcp_in_use(fd):
        raise FallenBack(EOPNOTSUPP, "no MPTCP: TCP, fallen back to it, or another protocol")
    read_names(fd)  # raises if it is not connected


def _get_sub_ids(call: OldCall) -> None:
    statuses = draft.get_sub_ids(call.sock)[::-1]  # the old kernel had the newest first
    call.put(layouts.encode_sub_ids(statuses))
    call.shown = "{" + ", ".join(map(_show_status, statuses)) + "}"


def _show_status(status: draft.SubStatus) -> str:
    return f"{status.id} low_prio" if status.low_prio else str(status.id)


def _close_sub_id(call: OldCall) -> None:
    asked = layouts.decode_close(call.struct(abi.MPTCP_CLOSE_SUB.size))
    call.shown = f"{{id={asked.id}, how={asked.how}}}"
    draft.close_sub(call.sock, asked.id, asked.how, timeout=OPEN_TIMEOUT)


def _get_sub_tuple(call: OldCall) -> None:
    found = draft.get_sub_tuple(call.sock, call.subflow())
    call.put(layouts.encode_tuple(found, call.length))
    call.shown = _show_flow(found)


def _open_sub_tuple(call: OldCall) -> None:
    wanted = layouts.decode_tuple(call.struct(layouts.LONGEST_TUPLE + 1))
    call.shown = _show_flow(wanted)
    call.caller.memory.check(call.value_at, layouts.ID_SIZE, write=True)
    rights.check_local_port(call.caller, call.sock.fileno(), wanted.local.port)
    number = draft.open_sub(call.sock, wanted, timeout=OPEN_TIMEOUT)
    call.shown = call.shown.replace("id=0", f"id={number}", 1)
    call.write(call.value_at, bytes([number]))


def _show_flow(flow: draft.Flow) -> str:
    priority = " low_prio" if flow.low_prio else ""
    return f"{{id={flow.id or 0}, {flow.local} > {flow.remote}{priority}}}"


def _get_sub_info(call: OldCall) -> None:
    # No layout was published: as TCP_INFO, into a buffer that begins with the id.
    info = draft.get_sub_info(call.sock, call.subflow())
    call.put(info[: call.length])


def _sub_getsockopt(call: OldCall) -> None:
    asked = layouts.decode_get(call.struct(abi.MPTCP_SUB_GET.size + 1))
    call.shown = f"{{id={asked.id}, level={asked.level}, optname={asked.option}}}"
    room = call.caller.memory.read_length(asked.length_at)
    value = suboptions.get(call.sock, asked.id, asked.level, asked.option, room)
    call.write(asked.value_at, value)
    call.write(asked.length_at, UINT.pack(len(value)))
    call.shown = f"{call.shown[:-1]}, optval={value.hex()}}}"


def _sub_setsockopt(call: OldCall) -> None:
    asked = layouts.decode_set(call.struct(abi.MPTCP_SUB_SET.size + 1))
    call.shown = f"{{id={asked.id}, level={asked.level}, optname={asked.option}}}"
    length = min(asked.length, suboptions.MOST_BYTES)
    value = call.caller.memory.read(asked.value_at, length)
    call.shown = f"{call.shown[:-1]}, optval={value.hex()}}}"
    fd = call.sock.fileno()
    rights.check_option(call.caller, fd, asked.level, asked.option, value)
    suboptions.set(call.sock, asked.id, asked.level, asked.option, value)


_GETTING: Final[dict[int, Callable[[OldCall], None]]] = {
    abi.MPTCP_GET_SUB_IDS: _get_sub_ids,
    abi.MPTCP_CLOSE_SUB_ID: _close_sub_id,
    abi.MPTCP_GET_SUB_TUPLE: _get_sub_tuple,
    abi.MPTCP_OPEN_SUB_TUPLE: _open_sub_tuple,
    abi.MPTCP_GET_SUB_INFO: _get_sub_info,
    abi.MPTCP_SUB_GETSOCKOPT: _sub_getsockopt,
}
_SETTING: Final[dict[int, Callable[[OldCall], None]]] = {abi.MPTCP_SUB_SETSOCKOPT: _sub_setsockopt}


def carry_out(call: OldCall) -> None:
    """Do what the option asks for.

    :raises OSError: with the errno for the program
    :raises Gone: it was killed
    """
    with Borrowed(call.caller.duplicate(call.descriptor)) as call.sock:
        _check_socket(call.sock.fileno())
        handler = (_GETTING if call.getting else _SETTING).get(call.option)
        if handler is None:
            raise Unsupported(ENOPROTOOPT, "it is an option for the opposite direction")
        call.read_length()
        try:
            _check_connection(call.sock.fileno())
            handler(call)
        except ConnectionEnded as ended:  # not MPTCP, said the old kernel of it
            text = "the socket is not connected, or not any more, or is being closed"
            raise FallenBack(EOPNOTSUPP, text) from ended
        call.write_length()
