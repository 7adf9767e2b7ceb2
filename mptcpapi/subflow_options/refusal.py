"""Why the kernel does not take the program: the typed errors, from what is known of the process."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from errno import E2BIG, EACCES, EINVAL, ENOENT, ENOSYS, EOPNOTSUPP, EPERM
from pathlib import Path
from typing import Final, NamedTuple

from mptcpapi import abi
from mptcpapi.errors import KernelRefused, MptcpError, NoPrivilege, Unsupported

_WHAT: Final = "reaching the options of one subflow"
_LOG_LINES: Final = 4
"""The last lines of the verifier's account: the instruction, and what is wrong with it."""


class Privilege(NamedTuple):
    """What decides whether a process may load the program."""

    capabilities: int
    """The effective set: one bit for each ``CAP_*``."""
    initial: bool
    """Whether it is in the initial user namespace, the only one whose capabilities count here."""


def read_privilege() -> Privilege:
    """That of the calling thread; nothing, if /proc does not tell."""
    try:
        status = Path("/proc/thread-self/status").read_text(encoding="ascii", errors="replace")
        user_namespace = os.stat("/proc/thread-self/ns/user").st_ino  # noqa: PTH116 - one call
    except OSError:
        return Privilege(0, initial=True)
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return Privilege(int(found[1], 16) if found else 0, user_namespace == abi.USER_NS_INIT_INO)


def missing(privilege: Privilege) -> str:
    """What is missing, and what to do about it."""
    if not privilege.initial:
        return (
            "CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN) in the initial user namespace, and this "
            "process is in another one: run it outside (unshare -U and rootless containers are "
            "such namespaces)"
        )
    wanted = {"CAP_BPF": abi.CAP_BPF, "CAP_PERFMON": abi.CAP_PERFMON}
    missing = [name for name, bit in wanted.items() if not privilege.capabilities >> bit & 1]
    if not missing or privilege.capabilities >> abi.CAP_SYS_ADMIN & 1:
        return (
            "this process has the capabilities, so a security policy forbids it (a container's "
            "seccomp profile, kernel lockdown, an LSM)"
        )
    return (
        f"{' and '.join(missing)} (or CAP_SYS_ADMIN), which this process lacks: run as root, or "
        "give the program the capabilities (setcap cap_bpf,cap_perfmon+ep)"
    )


def no_type_information(path: str) -> Unsupported:
    """The error for a kernel, or a container, without type information."""
    text = f"{_WHAT} takes {path}: build the kernel with CONFIG_DEBUG_INFO_BTF, and mount /sys"
    return Unsupported(EOPNOTSUPP, text)


def no_iterator(function: str) -> Unsupported:
    """The error for a kernel whose type information lacks the iterator."""
    text = f"{_WHAT} takes the BPF iterator over TCP sockets, and this kernel has no {function}"
    return Unsupported(EOPNOTSUPP, f"{text}: it came with Linux 5.9")


def explain(refused: OSError, log: Callable[[], str]) -> MptcpError:
    """The error for what bpf(2) refused; ``log`` gives the verifier's account."""
    code = refused.errno
    if code == EPERM:
        return _no_privilege(read_privilege())
    if code == ENOSYS:
        text = f"{_WHAT} takes bpf(2), CONFIG_BPF_SYSCALL: {refused.strerror}"
        return Unsupported(EOPNOTSUPP, text)
    if code in _NOT_TAKEN:
        return _not_taken(refused, log())
    return KernelRefused(code, f"{_WHAT}: bpf(2): {refused.strerror}")


_NOT_TAKEN = {EINVAL, EACCES, E2BIG, ENOENT}
"""What bpf(2) says of programs, maps and links that this kernel does not know."""


def _no_privilege(privilege: Privilege) -> NoPrivilege:
    return NoPrivilege(EPERM, f"{_WHAT} takes BPF: {missing(privilege)}")


def _not_taken(refused: OSError, log: str) -> Unsupported:
    lines = [line for line in log.splitlines() if not line.startswith("processed ")]
    account = "".join(f"\n    {line}" for line in lines[-_LOG_LINES:])
    return Unsupported(
        EOPNOTSUPP,
        f"{_WHAT} takes bpf_setsockopt in a BPF iterator, which came with Linux 5.15, and this "
        f"kernel refuses the program: {refused.strerror}{account}",
    )
