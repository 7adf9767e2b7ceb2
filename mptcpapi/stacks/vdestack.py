"""The kind ``vdestack``: a stack of libvdestack in a process of its own, for ordinary users too."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from errno import EINVAL, EMFILE, ENOENT, ENOLINK, ENOSPC, EPIPE

from mptcpapi import abi, syscalls
from mptcpapi.errors import InvalidArgument, KernelRefused, StackUnavailable
from mptcpapi.stacks import open_sockets, tun, vdestack_process
from mptcpapi.stacks.foreign import ForeignStack
from mptcpapi.stacks.kinds import refuse_detail
from mptcpapi.stacks.vdestack_process import ANSWER, LIBRARY, READY, REQUEST, SIZE
from mptcpapi.stacks.vnl import Network, parse

PACKAGE = "libvdestack0"
"""Debian's, which has the library."""

PATIENCE = 10.0
"""seconds until a process that does not answer counts as broken; usually it takes 50 ms."""


def make(detail: str, vnls: Sequence[str], *, resolver: str | None = None) -> Vdestack:
    """A new stack with one interface, which is down; libvdestack makes none with more or fewer."""
    refuse_detail("vdestack", detail)
    networks = parse(vnls)
    if len(networks) != 1:
        text = (
            f"a vdestack has one interface: give one vnl, not {len(networks)} "
            "('null://' is connected to nothing), or the kind netns"
        )
        raise InvalidArgument(EINVAL, text)
    with ExitStack() as undo:
        stack = Vdestack(networks[0], resolver=resolver)
        undo.callback(stack.close, force=True)
        stack.start()
        undo.pop_all()
    return stack


class Vdestack(ForeignStack):
    """Sockets of a namespace that a process of libvdestack made, and lends."""

    def __init__(self, network: Network, *, resolver: str | None) -> None:
        super().__init__(f"vdestack {network.url}", resolver=resolver)
        self._network = network
        self._owned = ExitStack()

    def start(self) -> None:
        """Start the process, and see that the stack has its interface.

        :raises StackUnavailable: the library, /dev/net/tun or the network is missing
        """
        tun.require()
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._owned.callback(self._orders.close)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", vdestack_process.__file__,
                 self._network.url, self._network.interface],
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for the application
            )  # fmt: skip
        self._owned.push(_Ended(process, self._orders))
        self._orders.settimeout(PATIENCE)
        try:
            self._hear(self._orders.recv(SIZE))
        except TimeoutError as silent:
            raise self._gone(silent) from silent
        with self.msocket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            namespace = syscalls.current.ioctl(probe.fileno(), abi.SIOCGSKNS)
        self._owned.callback(namespace.close)
        self._namespace = namespace.fileno()
        self._see_interface()

    def _hear(self, said: bytes) -> None:
        if said == READY:
            return
        why = said.decode(errors="replace") or "its process ended"
        if LIBRARY in why:
            text = f"{LIBRARY} is missing: install the package {PACKAGE}, which has it ({why})"
            raise StackUnavailable(ENOENT, text)
        where = f"cannot make a stack on the VDE network {self._network.url}"
        if why == os.strerror(ENOSPC):
            why += " (the sysctls user.max_net_namespaces and max_user_namespaces limit how many)"
        raise StackUnavailable(ENOLINK, f"{where}: {why}")

    def _see_interface(self) -> None:
        try:
            self.if_nametoindex(self._network.interface)
        except KernelRefused as missing:
            text = f"{self}: it has no interface ({missing.strerror})"
            raise StackUnavailable(missing.errno, text) from missing

    def _descriptor(self, family: int, type: int, protocol: int) -> int:
        answer, fds = self._asked(REQUEST.pack(family, type, protocol))
        (code,) = ANSWER.unpack(answer)
        if not code and not fds:
            code = EMFILE  # a descriptor that finds no room is dropped
        if code:
            raise OSError(code, os.strerror(code))
        return fds[0]

    def _asked(self, order: bytes) -> tuple[bytes, list[int]]:
        try:
            self._orders.send(order)
            answer, fds, _, _ = socket.recv_fds(self._orders, SIZE, 1, socket.MSG_CMSG_CLOEXEC)
        except OSError as failed:
            self._give_up()
            raise self._gone(failed) from failed
        if not answer:
            raise self._gone(None)
        return answer, fds

    def _give_up(self) -> None:
        """A late answer must not be taken for that to another order."""
        with suppress(OSError):
            self._orders.shutdown(socket.SHUT_RDWR)

    def forked(self) -> None:
        """Two processes would take each other's sockets: its process serves the one it is of."""
        super().forked()
        with suppress(AttributeError):  # it was just being made
            self._orders.close()

    def _gone(self, failed: OSError | None) -> StackUnavailable:
        why = failed.strerror or str(failed) if failed else "it ended"
        if self._orders.fileno() < 0:
            why = "it serves the program that made the stack, not this child of it"
        return StackUnavailable(EPIPE, f"{self}: its process does not answer: {why}")

    def _open_sockets(self) -> int:
        return open_sockets.count(self._namespace)

    def _delete(self) -> None:
        self._owned.close()


class _Ended:
    """Leaving it ends the process, by the end of its input."""

    def __init__(self, process: subprocess.Popen[bytes], orders: socket.socket) -> None:
        self._process, self._orders = process, orders

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._orders.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self._process.kill()
        self._process.wait()
