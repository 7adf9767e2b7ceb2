"""The system call bpf(2), which the C library does not have; errors are bare OSErrors."""

from __future__ import annotations

import ctypes
import os
from errno import ENOSYS
from typing import Final

from mptcpapi import abi

_LICENSE: Final = b"Apache-2.0"
"""The program calls no helper that is for GPL programs only."""
_LOG_SIZE: Final = 1 << 16
"""Bytes of the verifier's account, of which the end matters."""

_libc = ctypes.CDLL(None, use_errno=True)


def create_map(value_size: int) -> int:
    """A descriptor of memory of that many bytes, shared between a program and this process."""
    return _call(
        abi.BPF_MAP_CREATE,
        abi.BPF_ATTR_MAP_CREATE.pack(
            abi.BPF_MAP_TYPE_ARRAY,
            4,  # bytes of a key
            value_size,
            1,
            abi.BPF_F_MMAPABLE,
        ),
    )


def load_iterator(code: bytes, function: int) -> int:
    """A descriptor of a program that runs at each step of an iterator.

    ``function``: the BTF id of the kernel function that stands for it.
    """
    return _load(code, function, None)


def verifier_log(code: bytes, function: int) -> str:
    """Why the kernel refuses the program, in its own words; empty if it says nothing."""
    log = ctypes.create_string_buffer(_LOG_SIZE)
    try:
        os.close(_load(code, function, log))
    except OSError:
        return log.value.decode(errors="replace").strip()
    return ""


def _load(code: bytes, function: int, log: ctypes.Array[ctypes.c_char] | None) -> int:
    instructions = ctypes.create_string_buffer(code, len(code))
    license = ctypes.create_string_buffer(_LICENSE)
    attr = abi.BPF_ATTR_PROG_LOAD.pack(
        abi.BPF_PROG_TYPE_TRACING,
        len(code) // abi.BPF_INSN.size,
        ctypes.addressof(instructions),
        ctypes.addressof(license),
        0 if log is None else 1,
        0 if log is None else len(log),
        0 if log is None else ctypes.addressof(log),
        0,  # kern_version
        0,  # prog_flags
        b"subflow_option",
        0,  # prog_ifindex
        abi.BPF_TRACE_ITER,
        function,
    )
    return _call(abi.BPF_PROG_LOAD, attr)


def link_iterator(program: int) -> int:
    """A descriptor from which iterators are made; it keeps the program."""
    return _call(
        abi.BPF_LINK_CREATE, abi.BPF_ATTR_LINK_CREATE.pack(program, 0, abi.BPF_TRACE_ITER, 0)
    )


def create_iterator(link: int) -> int:
    """A descriptor: reading it to its end runs the program for each socket of the namespace.

    That is the network namespace of the thread that calls this, and not of the one that reads.
    """
    return _call(abi.BPF_ITER_CREATE, abi.BPF_ATTR_ITER_CREATE.pack(link, 0))


def _call(command: int, attr: bytes) -> int:
    number = abi.NR_BPF.get(os.uname().machine)
    if number is None:
        raise OSError(ENOSYS, f"the number of bpf(2) on {os.uname().machine} is not known")
    union = ctypes.create_string_buffer(attr, len(attr))
    result: int = _libc.syscall(
        ctypes.c_long(number), ctypes.c_int(command), union, ctypes.c_uint(len(attr))
    )
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
