"""What the supervisor reads of a program: notifications, /proc/PID/maps and status; traces."""

import ctypes
import os
import socket
from errno import EFAULT, EOPNOTSUPP

import pytest

from mptcpapi import FallenBack, InvalidArgument, Unsupported
from mptcpapi.run import suboptions
from mptcpapi.run.caller import decode_status
from mptcpapi.run.listener import Notice, decode_notice
from mptcpapi.run.memory import Fault, Memory, is_allowed
from mptcpapi.run.trace import Trace

MAPS = """\
00400000-00401000 r--p 00000000 fe:00 1234                 /usr/bin/client
00401000-00403000 rw-p 00000000 00:00 0
00405000-00406000 ---p 00000000 00:00 0                    [heap]
7ffc0000-7ffd0000 rw-p 00000000 00:00 0                    [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0    [vsyscall]
"""
STATUS = """\
Name:\tclient
Tgid:\t4242
Pid:\t4243
Uid:\t1000\t1001\t1002\t1003
Gid:\t100\t101\t102\t103
CapEff:\t0000000000000400
"""


@pytest.mark.parametrize(
    ("address", "size", "write", "allowed"),
    [
        (0x400000, 0x1000, False, True),
        (0x400FFF, 2, False, True),  # over the border of two
        (0x400FFF, 1, True, False),
        (0x400FFF, 2, True, False),
        (0x401000, 0x2000, True, True),
        (0x401000, 0x2001, True, False),
        (0x404000, 1, False, False),
        (0x405000, 1, False, False),
        (0x3FFFFF, 1, False, False),
        (0x7FFBFF00, 16, True, True),  # the stack grows
        (0, 1, False, False),
        (1 << 62, 8, False, False),
    ],
)
def test_what_a_program_can_reach(address: int, size: int, write: bool, allowed: bool) -> None:
    assert is_allowed(MAPS, address, size, write=write) is allowed


def test_memory_of_this_process() -> None:
    data = ctypes.create_string_buffer(b"before", 16)
    at = ctypes.addressof(data)
    directory = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
    memory = Memory(directory)
    try:
        assert memory.read(at, 6) == b"before"
        memory.write(at, b"after")
        assert data.raw[:6] == b"aftere"
        for address in (0, 8, (1 << 64) - 8):
            with pytest.raises(Fault) as fault:
                memory.write(address, b"x")
            assert fault.value.errno == EFAULT
    finally:
        memory.close()
        os.close(directory)


def test_a_notification() -> None:
    data = bytes.fromhex(
        "0100000000000000" "92100000" "00000000" "37000000" "3e0000c0" "0000000000000000"
        "03000000ffffffff" "0600000000000000" "42000000ffffffff" "1000000000000000"
        "2000000000000000" "0000000000000000"
    )  # fmt: skip

    notice = decode_notice(data)

    assert (notice.id, notice.tid, notice.call) == (1, 0x1092, 55)
    assert [notice.integer(n) for n in range(3)] == [3, 6, 66]


def test_a_status() -> None:
    assert decode_status(STATUS) == (4242, 1003, 103, 1 << 10)


@pytest.mark.parametrize(
    ("level", "option", "value", "whole"),
    [
        (socket.IPPROTO_IP, socket.IP_TOS, b"\x28", b"\x28\0\0\0"),
        (socket.IPPROTO_IP, socket.IP_TOS, b"\x28\0", b"\x28\0\0\0"),
        (socket.IPPROTO_IP, socket.IP_TOS, b"\x28\0\0\0\xff", b"\x28\0\0\0"),
        (socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno\0\xff", b"reno"),
    ],
)
def test_a_value_as_the_kernel_reads_it(
    level: int, option: int, value: bytes, whole: bytes
) -> None:
    assert suboptions.whole(level, option, value) == whole


@pytest.mark.parametrize(
    ("level", "option"),
    [(socket.IPPROTO_TCP, 1001), (socket.IPPROTO_TCP, 999), (77, 1), (socket.SOL_SOCKET, -1)],
)
def test_no_option_of_one_subflow(level: int, option: int) -> None:
    with pytest.raises(Unsupported) as refusal:
        suboptions.whole(level, option, bytes(4))

    assert os.strerror(refusal.value.errno) == "Protocol not available"


def test_an_int_in_two_bytes() -> None:
    with pytest.raises(InvalidArgument, match="expected 4"):
        suboptions.whole(socket.IPPROTO_TCP, socket.TCP_NODELAY, bytes(2))


def test_a_trace_says_what_came_of_a_socket() -> None:
    notice = Notice(1, 42, 41, (socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, 6, 0, 0))
    reading, writing = os.pipe()
    trace = Trace(writing)

    trace.upgraded(notice, 3)
    trace.not_upgraded(notice, FallenBack(EOPNOTSUPP, "why"))

    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read().splitlines() == [
            "[42] socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3 (MPTCP)",
            "[42] socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = ? "
            "(TCP: EOPNOTSUPP (why))",
        ]
