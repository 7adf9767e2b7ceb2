"""Stacks of libvdestack: what is refused, and what ends with what."""

import errno
import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
import stack_echo
from own_process import held, left
from vde_switch import skip_unless_library

import mptcpapi
from mptcpapi import stacks
from mptcpapi.stacks import vdestack, vdestack_process

NOWHERE = "null://"


@pytest.fixture(autouse=True)
def _library():
    skip_unless_library("libvdestack.so.0", "libvdestack0")


@pytest.mark.parametrize("vnls", [None, [], [NOWHERE, NOWHERE]])
def test_it_has_exactly_one_interface(vnls):
    """libvdestack makes no other stacks; what to do is said."""
    with pytest.raises(mptcpapi.InvalidArgument, match="a vdestack has one interface: give one"):
        stacks.new("vdestack", vnls)


def test_a_network_that_is_not_there(tmp_path):
    """The library's errno is told, and nothing is left."""
    before = held()

    with pytest.raises(mptcpapi.StackUnavailable) as refused:
        stacks.new("vdestack", f"vde://{tmp_path}/nowhere")

    assert refused.value.strerror == (
        f"cannot make a stack on the VDE network vde://{tmp_path}/nowhere: "
        "No such file or directory"
    )
    assert not left(held, before)


def test_a_machine_without_the_library(tmp_path, monkeypatch):
    """The package is named; the process looks for a library whose name nobody has."""
    program = Path(vdestack_process.__file__).read_text(encoding="utf-8")
    copy = tmp_path / "process.py"
    copy.write_text(program.replace("vdestack.so.0", "vdestack.so.0.none"), encoding="utf-8")
    monkeypatch.setattr(vdestack_process, "__file__", str(copy))

    with pytest.raises(mptcpapi.StackUnavailable, match="install the package libvdestack0"):
        stacks.new("vdestack", NOWHERE)


def test_its_sockets_are_counted_however_they_were_made():
    """EBUSY for accepted ones, too; what the kernel refuses keeps its errno."""
    stack = stacks.new("vdestack", f"eth0:{NOWHERE}")
    stack.linksetupdown("lo", True)
    assert stack.if_nametoindex("eth0") > 1
    with pytest.raises(OSError, match="not supported") as refused:
        stack.msocket(socket.AF_INET, socket.SOCK_STREAM, 99)
    assert refused.value.errno == errno.EPROTONOSUPPORT
    with stacks.use(stack):
        listener = socket.create_server(("127.0.0.1", 0))
        sock = socket.create_connection(listener.getsockname(), 10)
    accepted, _ = listener.accept()
    listener.close()
    sock.close()

    with pytest.raises(mptcpapi.StackBusy, match="1 of its sockets"):
        stack.close()
    accepted.close()
    stack.close()
    with pytest.raises(mptcpapi.StackDeleted):
        stack.msocket()


def test_a_stack_whose_process_was_killed():
    """It says so, at once, and can still be deleted."""
    stack = stacks.new("vdestack", NOWHERE)
    for process in descendants(os.getpid()):
        os.kill(process, signal.SIGKILL)

    with pytest.raises(mptcpapi.StackUnavailable, match="its process does not answer"):
        stack.msocket()
    stack.close()


def test_it_ends_with_its_program(vde_network):
    """Killed, a program leaves neither the library's process nor the stack."""
    with subprocess.Popen(
        [sys.executable, stack_echo.__file__, "vdestack", vde_network, "10.0.0.1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"ready\n"
        found = descendants(process.pid)
        process.kill()

    assert len(found) == 2
    deadline = time.monotonic() + 20
    while alive := [each for each in found if Path(f"/proc/{each}").exists()]:
        assert time.monotonic() < deadline, f"processes {alive} live on"
        time.sleep(0.01)


def test_a_stack_lives_until_it_is_closed(vde_network):
    """A socket of a stack that nobody else refers to is still connected to the network."""
    stack = stacks.new("vdestack", vde_network)
    stack.linksetupdown("vde0", True)
    stack.ipaddr_add("10.0.0.1/24", "vde0")
    with stack.msocket() as listener:
        listener.bind(("10.0.0.1", 5000))
        listener.listen()
        forgotten = weakref.ref(stack)
        del stack
        gc.collect()

        with stack_echo.stack_at("netns", vde_network, "10.0.0.2") as asking:
            sock = asking.msocket()
            sock.settimeout(10)
            sock.connect(("10.0.0.1", 5000))
            sock.close()
    forgotten().close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it forks with threads
def test_a_child_of_fork_cannot_take_its_sockets():
    """Parent and child would take each other's; the parent's stack goes on."""
    with stacks.new("vdestack", NOWHERE) as stack:
        child = os.fork()
        if not child:
            try:
                stack.msocket()
            except mptcpapi.StackUnavailable as why:
                os._exit(7 if "not this child of it" in why.strerror else 1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        stack.msocket().close()


def test_no_descriptor_is_left_for_a_socket():
    """It is said, and the stack goes on when there is room."""
    with stacks.new("vdestack", NOWHERE) as stack:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        highest = max(map(int, os.listdir("/proc/self/fd")))  # noqa: PTH208
        filled = [os.open("/dev/null", os.O_RDONLY) for _ in range(highest)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(filled) + 1, hard))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                stack.msocket()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for each in filled:
                os.close(each)
        stack.msocket().close()


def test_an_answer_that_came_too_late_is_nobody_s(monkeypatch):
    """A process that did not answer in time is given up: its sockets would be taken for others."""
    monkeypatch.setattr(vdestack, "PATIENCE", 1)
    stack = stacks.new("vdestack", NOWHERE)
    stopped = descendants(os.getpid())
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    with pytest.raises(mptcpapi.StackUnavailable, match="does not answer"):
        stack.msocket(type=socket.SOCK_DGRAM)
    for process in stopped:
        os.kill(process, signal.SIGCONT)

    with pytest.raises(mptcpapi.StackUnavailable, match="does not answer"):
        stack.msocket()
    stack.close()


def descendants(process):
    """The vdestack processes below a process, the nearest first."""
    found = []
    for each in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, each.read_text(encoding="ascii").split()):
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            found += [child] if b"vdestack_process" in command else []
            found += descendants(child)
    return found
