"""Resolver files that are none: refused when the stack is made, in one sentence, at once."""

import os
import sys
from pathlib import Path
from subprocess import run

import pytest

import mptcpapi
from mptcpapi import stacks

GOOD = b"nameserver 10.0.0.53\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "names no server: expected a line as 'nameserver 10.0.0.53'"),
        (b"search example.net\n# nameserver 10.0.0.53\nnameserver\n", "names no server"),
        (b"nameserver dns.example.net\n", "nameserver 'dns.example.net': expected an address"),
        (GOOD + b"\xff\xfe", "is no text: byte 21 is not UTF-8"),
        (GOOD + b"\0", "is no text: it has a zero byte"),
        (GOOD * 4000, "is too large: more than 65536 bytes"),
    ],
)
def test_files_that_name_no_servers(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "resolv.conf"
    file.write_bytes(content)

    with pytest.raises(mptcpapi.InvalidArgument) as refused:
        stacks.new("kernel", resolver=str(file))

    assert refused.value.strerror.startswith(f"resolver file '{file}': {told}")


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace(b"\n", b"\r\n") + b"search example.net\r\n",
        b"\xef\xbb\xbf" + GOOD,
        b"; of this network\n\n" + GOOD + b"options rotate\nnameserver fd00::53\n",
        b"nameserver fe80::53%lo",
    ],
)
def test_files_as_editors_write_them(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "resolv.conf"
    file.write_bytes(content)

    with stacks.new("kernel", resolver=str(file)) as stack:
        assert stack.getaddrinfo("::1", 80)


def test_nobody_waits_for_what_a_fifo_will_say(tmp_path: Path) -> None:
    file = tmp_path / "fifo"
    os.mkfifo(file)

    with pytest.raises(mptcpapi.InvalidArgument, match="is no regular file"):
        stacks.new("kernel", resolver=str(file))


def test_a_file_that_became_another_one_is_refused_when_a_name_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_bytes(GOOD)
    with stacks.new("kernel", resolver=str(file)) as stack:
        file.unlink()
        os.mkfifo(file)
        with pytest.raises(mptcpapi.InvalidArgument, match="is no regular file"):
            stack.getaddrinfo("server.example.net", 80)
        file.unlink()
        file.write_bytes(GOOD + b"search " + b"a" * 64 + b".net\n")  # a label has 63 bytes

        with pytest.raises(mptcpapi.InvalidArgument, match=r"resolver file .*63"):
            stack.getaddrinfo("server.example.net", 80)


WITHOUT_PRIVILEGE = """
import ctypes, sys
header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)())
import mptcpapi.stacks
try:
    mptcpapi.stacks.new("kernel", resolver=sys.argv[1])
except mptcpapi.InvalidArgument as why:
    print(why.strerror)
"""


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_bytes(GOOD)
    file.chmod(0)

    done = run(
        [sys.executable, "-c", WITHOUT_PRIVILEGE, file], capture_output=True, text=True, check=False
    )

    assert done.stdout == f"resolver file '{file}': cannot be read: Permission denied\n", (
        done.stderr
    )
