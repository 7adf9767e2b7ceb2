"""Which system calls stop: a seccomp filter, compiled by libseccomp and installed by seccomp(2).

libseccomp's own ``seccomp_load`` is not used. Version 2.5 does not know
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, without which a signal, such as those that Go's runtime
sends itself, has a call that is being answered made a second time. And it keeps the listener to
itself, while here it belongs to another process.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from errno import EACCES, EBUSY, EINVAL, ENOSYS, EOPNOTSUPP
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM
from typing import Any, Final, NamedTuple

from mptcpapi import abi
from mptcpapi.errors import KernelRefused, MptcpError, Unsupported

_libc = ctypes.CDLL(None, use_errno=True)

_LIBSECCOMP: Final = "libseccomp.so.2"
_INT: Final = 0xFFFFFFFF
"""The bits of a register in which an int is passed; the others may hold anything."""
SOCK_TYPE_MASK: Final = 0xF
"""``include/linux/net.h``: the type, without SOCK_CLOEXEC and SOCK_NONBLOCK."""
OLD_OPTIONS: Final = range(abi.MPTCP_GET_SUB_IDS, abi.MPTCP_SUB_SETSOCKOPT + 1)


def compile_filter(*, upgrade: bool) -> bytes:
    """The filter as a BPF program; with ``upgrade``, making a stream socket stops too.

    Programs for another architecture than this process's (32 bits) are let through.

    :raises Unsupported: libseccomp is missing
    """
    seccomp = _import_libseccomp()
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.ALLOW)  # its default kills

    def stop(call: str, *arguments: tuple[int, int, int]) -> None:
        wanted = (seccomp.Arg(n, seccomp.MASKED_EQ, mask, value) for n, mask, value in arguments)
        rules.add_rule(seccomp.NOTIFY, call, *wanted)

    for family in (AF_INET, AF_INET6) if upgrade else ():
        for protocol in (0, IPPROTO_TCP):
            kind = (1, SOCK_TYPE_MASK, SOCK_STREAM)
            stop("socket", (0, _INT, family), kind, (2, _INT, protocol))
    for call in ("getsockopt", "setsockopt"):
        for option in OLD_OPTIONS:
            stop(call, (1, _INT, IPPROTO_TCP), (2, _INT, option))
    return _export(rules)


def _import_libseccomp() -> Any:
    try:
        import pyseccomp  # noqa: PLC0415 - takes 0.1 s, and needs a library that may be missing
    except (ImportError, RuntimeError) as missing:
        raise Unsupported(EOPNOTSUPP, _why_missing(missing)) from missing
    return pyseccomp


def _why_missing(failure: Exception) -> str:
    """Why it cannot be had. The package asks other programs where the library is."""
    if isinstance(failure, RuntimeError) and _is_there():
        return (
            f"running a program takes {_LIBSECCOMP}, which is here, but was not found: that takes "
            "a process more (ulimit -u), and ldconfig or gcc"
        )
    return (
        f"running a program takes libseccomp and its Python package ({failure}): install "
        "libseccomp2 (apt-get) or libseccomp (dnf), and pip install 'mptcpapi[cli]'"
    )


def _is_there() -> bool:
    with suppress(OSError):
        return bool(ctypes.CDLL(_LIBSECCOMP))
    return False


def _export(rules: Any) -> bytes:
    memory = os.memfd_create("filter")
    with os.fdopen(memory, "rb") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


class Calls(NamedTuple):
    """The numbers that system calls have on this architecture."""

    socket: int
    getsockopt: int
    setsockopt: int
    seccomp: int


def system_calls() -> Calls:
    """Those numbers.

    :raises Unsupported: libseccomp is missing
    """
    seccomp = _import_libseccomp()
    native = seccomp.Arch.NATIVE
    return Calls._make(seccomp.resolve_syscall(native, name) for name in Calls._fields)


def install(program: bytes, number: int) -> int:
    """Filter the calling thread, and all that comes from it; the listener, as a descriptor.

    It cannot be undone. ``number``: of seccomp(2). Without CAP_SYS_ADMIN it takes no_new_privs,
    with which programs do not get the privileges that their files give (set-user-id).

    :raises Unsupported: a kernel without it
    :raises KernelRefused: the process has such a listener already
    """
    code = ctypes.create_string_buffer(program, len(program))
    prog = abi.SOCK_FPROG.pack(len(program) // abi.SOCK_FILTER.size, ctypes.addressof(code))
    listener = _set_filter(number, prog)
    if listener < 0 and ctypes.get_errno() == EACCES:
        _libc.prctl(abi.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        listener = _set_filter(number, prog)
    if listener < 0:
        raise _explained(ctypes.get_errno())
    return listener


def _set_filter(number: int, prog: bytes) -> int:
    flags = (
        abi.SECCOMP_FILTER_FLAG_NEW_LISTENER
        | abi.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
        | abi.SECCOMP_FILTER_FLAG_SPEC_ALLOW  # it confines nobody, so it needs no slower processor
    )
    call, operation = ctypes.c_long(number), ctypes.c_uint(abi.SECCOMP_SET_MODE_FILTER)
    return int(_libc.syscall(call, operation, ctypes.c_uint(flags), prog))


def _explained(code: int) -> MptcpError:
    what = "running a program takes seccomp's user notification"
    if code in {EINVAL, ENOSYS}:
        text = f"{what} with SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, which came with Linux 5.19"
        return Unsupported(EOPNOTSUPP, f"{text} ({os.strerror(code)})")
    if code == EBUSY:
        text = "this process has a supervisor already: 'mptcpapi run', or that of a container"
        return KernelRefused(EBUSY, f"{what}, and {text}. There can be one only")
    return KernelRefused(code, f"{what}: seccomp(2): {os.strerror(code)}")
