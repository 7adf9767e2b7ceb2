"""The wire between an interface of a stack and a VDE network: vde_plug(1), a process.

It ends with the stack, and with this process however that ends. PR_SET_PDEATHSIG means the thread
that started it, and so a thread waits for each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import Future
from errno import ENODEV, ENOENT, ENOLINK, ETIMEDOUT
from pathlib import Path
from socket import AF_NETLINK, SOCK_RAW
from typing import TYPE_CHECKING, Self

from mptcpapi import abi
from mptcpapi.deadline import Deadline
from mptcpapi.errors import KernelRefused, StackUnavailable
from mptcpapi.netlink import Closing, Netlink
from mptcpapi.stacks import ending, tun

if TYPE_CHECKING:
    from mptcpapi.stacks.stack import Stack

PROGRAM = "vde_plug"
PACKAGE = "vdeplug"
"""Debian's, which has it."""

PATIENCE = 10.0
"""seconds until a plug that neither connects nor ends counts as broken; usually it takes 50 ms."""

GLANCE = 0.05
"""seconds between two looks at whether it still runs, while no interface comes"""


class Plug(Closing):
    """A tap device in the stack's namespace and the process that connects it, from entering on.

    :raises StackUnavailable: vde_plug or /dev/net/tun is missing, or the network is not there
    """

    def __init__(self, stack: Stack, interface: str, url: str) -> None:
        self._stack, self._interface, self._url = stack, interface, url
        self._process: Future[subprocess.Popen[bytes]] = Future()
        self._thread = threading.Thread(target=self._hold, name=f"plug {interface}", daemon=True)

    def __enter__(self) -> Self:
        program = shutil.which(PROGRAM)
        if program is None:
            text = f"{PROGRAM} is missing: install the package {PACKAGE} of VDE, which has it"
            raise StackUnavailable(ENOENT, text)
        tun.require()
        # The network first: then the interface appears only if the network is there.
        self._command = [program, self._url, f"tap://{self._interface}"]
        self._said = os.memfd_create("vde_plug")
        try:
            with self._link_events() as events:
                self._thread.start()
                self._wait(self._process.result(), events)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End the process; the interface goes with it."""
        if self._thread.ident is not None and not self._process.exception():
            self._process.result().kill()
            self._thread.join()
        if self._said >= 0:
            os.close(self._said)
            self._said = -1

    def _link_events(self) -> Netlink:
        sock = self._stack.msocket(AF_NETLINK, SOCK_RAW, abi.NETLINK_ROUTE)
        events = Netlink(abi.NETLINK_ROUTE, made=sock)
        events.join(abi.RTNLGRP_LINK)
        return events

    def _hold(self) -> None:
        try:
            with self._stack.use():
                process = self._started()
        except BaseException as failed:
            self._process.set_exception(failed)
            return
        self._process.set_result(process)
        process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        ends_with_us = [sys.executable, "-I", "-S", ending.__file__, str(os.getpid())]
        return subprocess.Popen(
            [*ends_with_us, *self._command],
            stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said,
            process_group=0,  # Ctrl-C is for the application
        )  # fmt: skip

    def _wait(self, process: subprocess.Popen[bytes], events: Netlink) -> None:
        deadline = Deadline(PATIENCE)
        while not self._is_there():
            if process.poll() is not None:
                raise StackUnavailable(ENOLINK, f"{self._what()}: {self._last_words()}")
            if deadline.passed:
                text = f"{self._what()}: {PROGRAM} made no interface in {PATIENCE:g} s"
                raise StackUnavailable(ETIMEDOUT, text)
            events.receive(GLANCE)

    def _is_there(self) -> bool:
        try:
            self._stack.if_nametoindex(self._interface)
        except KernelRefused as refused:
            if refused.errno != ENODEV:
                raise
            return False
        return True

    def _what(self) -> str:
        return f"cannot connect {self._interface} to the VDE network {self._url}"

    def _last_words(self) -> str:
        lines = Path(f"/proc/self/fd/{self._said}").read_text(errors="replace").splitlines()
        return "; ".join(lines[-2:]) or f"{PROGRAM} ended"
