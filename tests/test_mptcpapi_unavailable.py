"""Where MPTCP is not to be had: each reason is told in a sentence, and TCP will do if asked for.

A filter of system calls (seccomp) answers to socket(2) what other kernels and policies answer; the
sysctl is the real one.
"""

import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from errno import EACCES, EINVAL, ENOPROTOOPT, EPERM, EPROTONOSUPPORT
from pathlib import Path

import pytest

import mptcpapi
from mptcpapi import InvalidArgument, Socket, Unavailable

ENABLED = Path("/proc/sys/net/mptcp/enabled")
SOCKET_CALL = {"x86_64": 41, "aarch64": 198}.get(platform.machine())

FILTERED = """
import ctypes, struct, sys
call, protocol, code = map(int, sys.argv[1:])
program = b"".join(struct.pack("HBBI", *row) for row in (
    (0x20, 0, 0, 0),                    # load the number of the system call
    (0x15, 0, 3, call),                 # not socket(2): allow
    (0x20, 0, 0, 32),                   # load its third argument
    (0x15, 0, 1, protocol),             # another protocol: allow
    (0x06, 0, 0, 0x00050000 | code),    # SECCOMP_RET_ERRNO
    (0x06, 0, 0, 0x7FFF0000),           # SECCOMP_RET_ALLOW
))
rows = ctypes.create_string_buffer(program)
filter = ctypes.create_string_buffer(struct.pack("HP", 6, ctypes.addressof(rows)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, filter, 0, 0) == 0, ctypes.get_errno()  # PR_SET_SECCOMP

import asyncio, mptcpapi
from mptcpapi import aio
for make in (
    mptcpapi.Socket,
    lambda: mptcpapi.create_server(("127.0.0.1", 0)),
    lambda: mptcpapi.create_connection(("127.0.0.1", 1)),
    lambda: asyncio.run(aio.open_connection("127.0.0.1", 1)),
):
    try:
        make()
    except mptcpapi.Unavailable as refused:
        print(refused.errno, refused.strerror)
with mptcpapi.create_server(("127.0.0.1", 0), fallback=True) as server:
    with mptcpapi.create_connection(server.getsockname(), fallback=True) as client:
        print(server.proto, client.proto, client.in_use())
"""


@pytest.mark.skipif(SOCKET_CALL is None, reason="the number of socket(2) here is not known")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (EINVAL, r"this kernel knows no MPTCP, which came with Linux 5\.6"),
        (EPROTONOSUPPORT, r"this kernel is built without MPTCP \(CONFIG_MPTCP"),
        (ENOPROTOOPT, r"off in this network namespace: set the sysctl net\.mptcp\.enabled=1"),
        (EPERM, "a security policy forbids MPTCP sockets"),
        (EACCES, "a security policy forbids MPTCP sockets"),
    ],
)
def test_what_socket_answers_on_other_hosts(code: int, reason: str) -> None:
    arguments = [str(SOCKET_CALL), str(mptcpapi.IPPROTO_MPTCP), str(code)]
    ran = subprocess.run(
        [sys.executable, "-c", FILTERED, *arguments], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    *refusals, fallback = ran.stdout.splitlines()
    assert len(refusals) == 4
    for refusal in refusals:
        assert re.fullmatch(rf"{code} no MPTCP socket can be made: .*{reason}.*", refusal)
    assert fallback == f"{socket.IPPROTO_TCP} {socket.IPPROTO_TCP} False"


@pytest.fixture
def _switched_off() -> Iterator[None]:
    before = ENABLED.read_text(encoding="ascii") if ENABLED.exists() else ""
    if not before or not os.access(ENABLED, os.W_OK):
        pytest.skip(f"{ENABLED} cannot be written")
    ENABLED.write_text("0", encoding="ascii")
    yield
    ENABLED.write_text(before, encoding="ascii")


@pytest.mark.usefixtures("_switched_off")
def test_mptcp_is_switched_off() -> None:
    with pytest.raises(Unavailable, match=r"net\.mptcp\.enabled=1") as refusal:
        Socket()

    assert refusal.value.errno == ENOPROTOOPT
    with mptcpapi.create_server(("127.0.0.1", 0), fallback=True) as server:
        assert server.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_INET6, socket.SOCK_SEQPACKET),
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_INET, 99),
        (-1, socket.SOCK_STREAM),
    ],
)
def test_no_such_sockets_anywhere(family: int, kind: int) -> None:
    with pytest.raises(InvalidArgument, match="MPTCP is SOCK_STREAM of AF_INET or AF_INET6") as no:
        Socket(family, kind)

    assert no.value.errno == EINVAL


def test_flags_of_the_type_are_none_of_it() -> None:
    try:
        made = Socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except Unavailable as reason:
        pytest.skip(str(reason))
    with made:
        assert made.gettimeout() == 0


def test_dual_stack_takes_ipv6() -> None:
    with pytest.raises(InvalidArgument, match="dualstack_ipv6 with family") as refusal:
        mptcpapi.create_server(("127.0.0.1", 0), dualstack_ipv6=True)

    assert isinstance(refusal.value, ValueError)  # as in the standard library
