"""Stacks that are made, used and closed by many threads, and in children of fork."""

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import mptcpapi
from mptcpapi import stacks


class Slow(stacks.ForeignStack):
    """Gives the kernel's sockets when it is told to."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.ended = 0

    def _descriptor(self, family: int, type: int, protocol: int) -> int:
        self.asked.set()
        assert self.go_on.wait(10)
        assert not self.ended, "it was deleted while it made a socket"
        return socket.socket(family, type, protocol).detach()

    def _open_sockets(self) -> int:
        return 0

    def _delete(self) -> None:
        self.ended += 1


def test_a_stack_ends_when_no_thread_makes_a_socket_of_it() -> None:
    stack = Slow()
    with ThreadPoolExecutor(2) as threads:
        made = threads.submit(stack.msocket)
        assert stack.asked.wait(10)
        closed = threads.submit(stack.close, force=True)
        with pytest.raises(TimeoutError):
            closed.result(0.2)
        stack.go_on.set()
        made.result().close()
        closed.result()

    assert stack.ended == 1
    with pytest.raises(mptcpapi.StackDeleted):
        stack.msocket()


def test_a_stack_is_deleted_once_whoever_closes_it() -> None:
    for _ in range(50):
        stack = Slow()
        together = threading.Barrier(8)

        def close(stack: Slow = stack, together: threading.Barrier = together) -> None:
            together.wait()
            stack.close()

        with ThreadPoolExecutor(8) as threads:
            for each in [threads.submit(close) for _ in range(8)]:
                each.result()
        assert stack.ended == 1


def test_a_stack_that_ended_in_its_use_makes_no_socket() -> None:
    stack = Slow()
    stack.go_on.set()
    with stacks.use(stack):
        socket.socket().close()
        stack.close()
        with pytest.raises(mptcpapi.StackDeleted):
            socket.socket()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it forks with threads
def test_a_child_of_fork_does_not_wait_for_a_thread_that_it_has_not() -> None:
    stack = Slow()
    with ThreadPoolExecutor(1) as threads:
        made = threads.submit(stack.msocket)
        assert stack.asked.wait(10)
        child = os.fork()
        if not child:
            stack.go_on.set()
            stack.msocket().close()
            os._exit(7)
        stack.go_on.set()
        made.result().close()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    stack.close()
