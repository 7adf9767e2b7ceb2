"""Who opens a subflow is alone in it: among threads, and among processes that have the socket."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from errno import EACCES, EBADF, ETIMEDOUT

import pytest

from mptcpapi import (
    Borrowed,
    InvalidArgument,
    KernelRefused,
    SocketClosed,
    SubflowTimeout,
    exclusion,
    syscalls,
)
from mptcpapi.deadline import Deadline
from mptcpapi.exclusion import alone


@pytest.fixture
def fd() -> Iterator[int]:
    with socket.socket() as sock:
        yield sock.fileno()


@contextmanager
def another_process(fd: int) -> Iterator[None]:
    """A child of fork is in its turn."""
    ready, ready_child = os.pipe()
    end_child, end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(end)
            with alone(fd, Deadline(5)):
                os.write(ready_child, b"x")
                os.read(end_child, 1)
        finally:
            os._exit(0)
    os.close(ready_child)
    try:
        assert os.read(ready, 1) == b"x", "it had no turn"
        yield
    finally:
        for each in (end, end_child, ready):
            os.close(each)
        os.waitpid(child, 0)


def test_a_signal_handler_has_no_turn_within_that_of_its_thread(fd: int) -> None:
    """It would end the lock, and one of both would take the other's subflow."""
    with alone(fd, Deadline(5)):
        for _ in range(2):  # a refusal ends nothing
            with pytest.raises(InvalidArgument, match="a signal handler"), alone(fd, Deadline(5)):
                pass
    with alone(fd, Deadline(5)):
        pass


def test_another_process_is_waited_for(fd: int) -> None:
    """Not for ever, though: the error says so; when it has ended, this one has its turn."""
    with (
        another_process(fd),
        pytest.raises(SubflowTimeout, match="another process") as refusal,
        alone(fd, Deadline(0.05)),
    ):
        pytest.fail("there were two at once")

    with alone(fd, Deadline(0)):
        pass
    assert refusal.value.errno == ETIMEDOUT


def test_the_next_process_has_its_turn_after_a_failure(fd: int) -> None:
    """What is raised in a turn ends it."""
    with pytest.raises(KeyboardInterrupt), alone(fd, Deadline(0)):
        raise KeyboardInterrupt

    with another_process(fd):
        pass


def test_closing_what_was_borrowed_waits_for_the_turn_of_a_thread(fd: int) -> None:
    """Else it would end the lock, which is the process's: any descriptor of the socket will do."""
    borrowed = Borrowed(os.dup(fd))
    with ThreadPoolExecutor(1) as threads:
        with alone(fd, Deadline(0)):
            closing = threads.submit(borrowed.close)
            with pytest.raises(NotYet):
                closing.result(0.05)
        closing.result(5)


def test_a_socket_that_was_closed() -> None:
    sock = socket.socket()
    fd = sock.fileno()
    sock.close()

    with pytest.raises(SocketClosed) as refusal, alone(fd, Deadline(0)):
        pytest.fail("a closed socket was locked")

    assert refusal.value.errno == EBADF


def test_a_socket_that_cannot_be_locked(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error, and not an opening without the lock."""

    def refuse(*_: int) -> None:
        raise PermissionError(EACCES, os.strerror(EACCES))

    monkeypatch.setattr(syscalls.current, "lock", refuse)

    with (
        pytest.raises(KernelRefused, match="F_SETLK: Permission denied") as refusal,
        alone(fd, Deadline(0)),
    ):
        pytest.fail("it went on without the lock")

    assert refusal.value.errno == EACCES


def test_a_child_of_fork_can_open_subflows() -> None:
    """Also if another thread was just sending a SYN: in the child nobody would release its lock."""
    with ThreadPoolExecutor(1) as other:
        other.submit(exclusion._threads.acquire).result()
        child = os.fork()
        if child == 0:
            os._exit(0 if exclusion._threads.acquire(timeout=1) else 1)
        _, status = os.waitpid(child, 0)
        other.submit(exclusion._threads.release).result()

    assert status == 0
