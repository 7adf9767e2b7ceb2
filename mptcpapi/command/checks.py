"""What this kernel and this user can do with MPTCP: each is found out by trying it on nothing."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from errno import ENOENT, EOPNOTSUPP, ESTALE
from pathlib import Path
from typing import NamedTuple

import mptcpapi
from mptcpapi import (
    Endpoint,
    EventStream,
    KernelRefused,
    NoPrivilege,
    PathManagerNotUserspace,
    abi,
    processes,
    settings,
)
from mptcpapi.command.remedies import Remedies
from mptcpapi.diag import diag_request
from mptcpapi.info import read_full_info
from mptcpapi.netlink import Netlink
from mptcpapi.pathmanager import PathManager
from mptcpapi.subflow_options.refusal import read_privilege
from mptcpapi.subflow_options.walk import shared_walk

_STATUS = Path("/proc/thread-self/status")
_NOWHERE = Endpoint("127.0.0.1", 1)
_NOT_ALLOWED = "not allowed"
_NO_COOKIE = 0
"""No socket has it."""


class Check(NamedTuple):
    """One thing that was tried."""

    name: str
    ok: bool | None
    """``None``: neither good nor bad, but good to know."""
    found: str
    remedy: str = ""
    """What to do, if it should be otherwise."""
    command: str = ""
    """What to type for that, where one command does it."""


def checks(remedies: Remedies) -> Iterator[Check]:
    """All of them, MPTCP itself first. Without that, the others are left out."""
    for check in _checks(remedies):
        allowed = check.found != _NOT_ALLOWED
        yield check if allowed else check._replace(command=remedies.run_as_root())


def _checks(remedies: Remedies) -> Iterator[Check]:
    first = _try("MPTCP", _make_socket, "sockets can be made")
    yield first if first.ok else first._replace(command=remedies.switch_on())
    if not first.ok:
        return
    yield _try("MPTCP over IPv6", _make_ipv6_socket, "sockets can be made")
    yield _try("subflows listed", _list_subflows, "ids, endpoints and figures of all subflows")
    yield _new_connections(remedies)
    yield _try("open, close, backup, announce", _command, "of connections with the userspace path "
               "manager")  # fmt: skip
    yield _try("abort", _destroy, "of any subflow")
    yield _try("events", _follow, "of all connections of this network namespace")
    yield _try("options of one subflow", shared_walk, "by BPF")
    listed = _try("connections listed", mptcpapi.connections, "of all processes")
    yield listed if listed.ok else listed._replace(command=remedies.load("mptcp_diag"))
    yield _others(remedies)
    yield _limits()
    yield _confinement()


def _try(name: str, attempt: Callable[[], object], success: str) -> Check:
    try:
        attempt()
    except OSError as failed:
        what, _, remedy = (failed.strerror or str(failed)).partition(": ")
        if isinstance(failed, NoPrivilege):
            return Check(name, False, _NOT_ALLOWED, failed.strerror)
        return Check(name, False, what, remedy)
    return Check(name, True, success)


def _make_socket() -> None:
    mptcpapi.Socket().close()


def _make_ipv6_socket() -> None:
    mptcpapi.Socket(socket.AF_INET6).close()


def _list_subflows() -> None:
    with mptcpapi.Socket() as sock:
        read_full_info(sock.fileno())


def _command() -> None:
    """A command about the connection 0, which there never is: EINVAL, if it comes so far."""
    with PathManager(None, 0) as manager:
        try:
            manager.destroy(_NOWHERE, _NOWHERE)
        except PathManagerNotUserspace:
            pass
        except KernelRefused as refused:
            if refused.errno != EOPNOTSUPP:
                raise
            text = "this kernel has one path manager only: the userspace one came with Linux 5.19"
            raise mptcpapi.Unsupported(EOPNOTSUPP, text) from refused


def _destroy() -> None:
    _follow()  # takes the same capability, which the kernel does not ask for if there is no socket
    request = diag_request(_NOWHERE, _NOWHERE, cookie=_NO_COOKIE)
    with Netlink(abi.NETLINK_SOCK_DIAG) as netlink:
        try:
            netlink.request(abi.SOCK_DESTROY, request)
        except KernelRefused as refused:
            if refused.errno not in {ENOENT, ESTALE}:
                text = "this kernel is built without CONFIG_INET_DIAG_DESTROY"
                raise mptcpapi.Unsupported(EOPNOTSUPP, text) from refused


def _follow() -> None:
    EventStream.of_namespace().close()


def _new_connections(remedies: Remedies) -> Check:
    """What `open` and its kin will say of connections that are made from now on."""
    name = "path manager of new connections"
    manager = settings.read_path_manager()
    if manager == "userspace":
        return Check(name, None, "userspace, for open, close, backup and announce")
    found = f"{manager}, which 'ip mptcp endpoint' steers"
    command = remedies.choose_userspace()
    remedy = (
        "open, close, backup and announce work with connections that are made after"
        if command
        else ""
    )
    return Check(name, None, found, remedy, command)


def _others(remedies: Remedies) -> Check:
    name = "connections of other processes"
    with mptcpapi.Socket() as sock:
        tried = _try(name, lambda: os.close(processes.duplicate(os.getpid(), sock.fileno())), "")
    if not tried.ok:
        return tried
    hidden = processes.hidden()
    if not hidden:
        return Check(name, True, "the descriptors of all processes are visible")
    number = "1 process" if hidden == 1 else f"{hidden} processes"
    remedy = f"reaching all takes {processes.reaching_takes().removeprefix('that takes ')}"
    if os.geteuid() == 0 and read_privilege().initial:
        remedy = ""  # there is no more to be had
    found = f"those of this user; the descriptors of {number} are hidden"
    return Check(name, True, found, remedy, remedies.run_as_root())


def _limits() -> Check:
    limits = mptcpapi.limits()
    found = f"{limits.subflows} extra subflows, {limits.add_addr_accepted} announced addresses"
    return Check("limits of the kernel's path manager", None, found)


def _confinement() -> Check:
    """What explains refusals that capabilities do not."""
    status = _STATUS.read_text(encoding="utf-8")
    filtered = re.search(r"^Seccomp:\s*[12]$", status, re.MULTILINE)
    found = ", ".join(
        (
            "the initial user namespace"
            if read_privilege().initial
            else "a user namespace of its own",
            "a seccomp filter, which may refuse system calls" if filtered else "no seccomp filter",
        )
    )
    return Check("confinement", None, found)
