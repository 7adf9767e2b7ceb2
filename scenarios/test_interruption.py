"""A call that Ctrl-C ends, or that loses its descriptor, at whatever step: what is left of it."""

import asyncio
import os
import socket
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from own_process import descriptors, left

import mptcpapi
from mptcpapi import aio, syscalls

pytestmark = pytest.mark.topology("two_paths")

LTE = "10.0.2.1"
PATIENCE = 10.0
"""seconds"""


class Steps(syscalls.Linux):
    """The kernel; before the system call of this number, something happens."""

    def __init__(self, number, happen):
        self._left, self._happen = number, happen

    def __getattribute__(self, name):
        if not name.startswith("_"):
            self._step()
        return super().__getattribute__(name)

    def netlink(self, protocol):
        """A socket of which each call is a step as well."""
        made = SteppedSocket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        made.step = self._step
        return made

    def _step(self):
        self._left -= 1
        if self._left == 0:
            self._happen()

    @property
    def _has_happened(self):
        return self._left <= 0


class SteppedSocket(socket.socket):
    """A netlink socket."""

    def sendto(self, *arguments):
        """A request, which the kernel carries out at once."""
        self.step()
        return super().sendto(*arguments)

    def recvfrom(self, *arguments):
        """Its answer, or an event."""
        self.step()
        return super().recvfrom(*arguments)

    def close(self):
        """The step comes after it: an object that nobody has any more is closed anyway."""
        super().close()
        self.step()


@pytest.fixture
def at_each_step(monkeypatch):
    """Do something again and again, each time with something happening one step later."""

    def each(happen, do):
        for number in count(1):
            steps = Steps(number, happen)
            with monkeypatch.context() as patch:
                patch.setattr(syscalls, "current", steps)
                outcome = attempt(do)
            yield outcome
            if not steps._has_happened:
                return

    return each


def attempt(do):
    """What came of it: what it returned, or the type of what it raised."""
    try:
        return do()
    except (KeyboardInterrupt, asyncio.CancelledError, mptcpapi.MptcpError) as failed:
        return type(failed)


def interrupt():
    """Ctrl-C."""
    raise KeyboardInterrupt


def wait_for_subflows(sock, *ids):
    """Those that are being closed go when the peer has acknowledged it."""
    end = time.monotonic() + PATIENCE
    while [each.id for each in sock.subflows()] != list(ids):
        assert time.monotonic() < end, (sock.subflows(), ids)


def state():
    """Which descriptors this process has, and which locks there are."""
    locks = Path("/proc/locks").read_text(encoding="ascii")
    return descriptors() | {tuple(line.split()[1:]) for line in locks.splitlines()}


@pytest.fixture
def sibling(sock):
    """Another subflow from the same address, which stays."""
    return sock.open_subflow(LTE)


def test_an_opening_that_is_interrupted_leaves_nothing(sock, sibling, at_each_step):
    """Neither a subflow, nor a descriptor, nor a lock."""
    before = state()

    outcomes = []
    for outcome in at_each_step(interrupt, lambda: sock.open_subflow(LTE)):
        outcomes.append(outcome)
        if outcome is KeyboardInterrupt:
            wait_for_subflows(sock, 1, sibling.id)
        assert not left(state, before)

    assert set(outcomes[:-1]) == {KeyboardInterrupt}
    wait_for_subflows(sock, 1, sibling.id, outcomes[-1].id)
    assert outcomes[-1].id > sibling.id + 10  # so many had sent their SYN


def test_an_opening_that_is_cancelled_leaves_nothing(sock, sibling, at_each_step):
    """The event loop takes it back in whatever step its thread is."""
    before = state()
    loop = task = None

    def cancel():
        done = threading.Event()
        loop.call_soon_threadsafe(task.cancel)
        loop.call_soon_threadsafe(loop.call_soon, done.set)
        assert done.wait(PATIENCE)

    async def opening():
        nonlocal loop, task
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        return await aio.open_subflow(sock, LTE)

    outcomes = []
    for outcome in at_each_step(cancel, lambda: asyncio.run(opening())):
        outcomes.append(outcome)
        if outcome is asyncio.CancelledError:
            wait_for_subflows(sock, 1, sibling.id)
        assert not left(state, before)

    assert set(outcomes[:-1]) == {asyncio.CancelledError}
    wait_for_subflows(sock, 1, sibling.id, outcomes[-1].id)
    assert outcomes[-1].id > sibling.id + 10


class Lent:
    """A descriptor of the connection that another thread closes; others keep the connection."""

    def __init__(self, sock):
        self._sock = sock
        self._fd = -1

    def open_subflow(self):
        """By this descriptor."""
        self._fd = os.dup(self._sock.fileno())
        return mptcpapi.open_subflow(self._fd, LTE)

    def close(self):
        """If it is not closed yet."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def test_an_opening_whose_descriptor_is_closed_leaves_nothing(sock, sibling, at_each_step):
    """It fails, or it is complete already."""
    before = state()
    lent = Lent(sock)

    outcomes = []
    for outcome in at_each_step(lent.close, lent.open_subflow):
        outcomes.append(outcome)
        lent.close()
        if isinstance(outcome, mptcpapi.Subflow):
            sock.close_subflow(outcome)
        wait_for_subflows(sock, 1, sibling.id)
        assert not left(state, before)

    assert mptcpapi.SocketClosed in outcomes
    assert outcomes[-1].id > sibling.id + 10


def test_what_others_open_meanwhile_stays(sock, at_each_step):
    """Whose descriptor is closed has no lock any more, and takes nothing that can be another's."""
    lent = Lent(sock)
    others = []

    def happen():
        lent.close()
        others.append(sock.open_subflow(LTE))

    for _ in at_each_step(happen, lent.open_subflow):
        lent.close()
        present = sock.subflows()
        established = [each.id for each in present if each.state is mptcpapi.TcpState.ESTABLISHED]
        assert {each.id for each in others} <= set(established)
        for each in present[1:]:
            with suppress(mptcpapi.NoSuchSubflow):  # it was being closed already
                sock.close_subflow(each)
        others.clear()


OPERATIONS = {
    "close_subflow": mptcpapi.close_subflow,
    "abort_subflow": mptcpapi.abort_subflow,
    "set_backup": lambda sock, subflow: mptcpapi.set_backup(sock, subflow, True),
    "announce": lambda sock, _: mptcpapi.announce(sock, LTE),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_other_operations_that_are_interrupted(sock, sibling, at_each_step, name):
    """They are carried out or not, on the one subflow alone, and can be carried out again."""

    def do():
        return OPERATIONS[name](sock, subflow)

    subflow = sock.open_subflow(LTE)
    before = state()
    outcomes = []
    for outcome in at_each_step(interrupt, do):
        outcomes.append(outcome)
        assert not left(state, before)
        there = {each.id: each for each in sock.subflow_details()}
        assert {1, sibling.id} <= set(there) <= {1, sibling.id, subflow.id}
        assert there[sibling.id].backup is False
        with suppress(mptcpapi.NoSuchSubflow):
            do()
        with suppress(mptcpapi.NoSuchSubflow):
            sock.close_subflow(subflow)
        wait_for_subflows(sock, 1, sibling.id)
        subflow = sock.open_subflow(LTE)

    *interrupted, complete = outcomes
    assert set(interrupted) == {KeyboardInterrupt}
    assert complete is not KeyboardInterrupt
