"""Stacks that are to be deleted while threads use them."""

import os
import socket
import threading
from contextlib import suppress

import pytest

import mptcpapi
from mptcpapi import stacks


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("kind", ["kernel", "netns"])
def test_no_thread_deletes_the_stack_that_it_uses(kind, force):
    """It would stay in a namespace without a stack; what it used before comes back, too."""
    before = own_namespace()
    with stacks.new("netns") as outer, stacks.use(outer):
        used = own_namespace()
        stack = stacks.new(kind)
        with stacks.use(stack), stacks.use(stack):
            with pytest.raises(mptcpapi.StackBusy, match=r"this thread uses it: leave use\(\)"):
                stack.close(force=force)
            socket.socket().close()
        with pytest.raises(mptcpapi.StackBusy, match="this thread uses it"):
            outer.close(force=True)
        stack.close()
        assert own_namespace() == used != before
    assert own_namespace() == before


def own_namespace():
    """The network namespace of this thread."""
    return os.stat("/proc/thread-self/ns/net").st_ino  # noqa: PTH116


def test_a_stack_that_another_thread_uses():
    """It is busy; forced, it leaves the thread in its namespace until that leaves."""
    stack = stacks.new("netns")
    inside, go_on, found = threading.Event(), threading.Event(), []

    def use_it():
        found.append(own_namespace())
        with stacks.use(stack):
            found.append(own_namespace())
            inside.set()
            assert go_on.wait(10)
            found.append(own_namespace())
        found.append(own_namespace())

    thread = threading.Thread(target=use_it)
    thread.start()
    try:
        assert inside.wait(10)
        with pytest.raises(mptcpapi.StackBusy, match="another thread uses it"):
            stack.close()
        stack.close(force=True)
        stack.close()
    finally:
        go_on.set()
        thread.join()

    assert found[0] == found[3] != found[1] == found[2]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it forks with threads
def test_a_child_of_fork_deletes_a_stack_that_threads_of_the_parent_use():
    """Of the threads that use it the child has the one that forked."""
    with stacks.new("netns") as stack:
        inside, go_on = threading.Event(), threading.Event()

        def use_it():
            with stacks.use(stack):
                inside.set()
                assert go_on.wait(10)

        thread = threading.Thread(target=use_it)
        thread.start()
        assert inside.wait(10)
        with stacks.use(stack):
            child = os.fork()
            if not child:
                with suppress(mptcpapi.StackBusy):
                    stack.close()
                    os._exit(1)
        if not child:
            stack.close()
            os._exit(7)
        go_on.set()
        thread.join()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        stack.msocket().close()
