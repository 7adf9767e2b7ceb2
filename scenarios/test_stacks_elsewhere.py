"""Stacks in other processes, on machines that lack something, and on networks that end."""

import multiprocessing
import socket
import subprocess
import sys
import time

import pytest
import stack_elsewhere
from own_process import held, left
from vde_switch import skip_unless_library, skip_unless_there, switch

import mptcpapi
from mptcpapi import stacks


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it forks with threads
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_process_of_multiprocessing_has_stacks_of_its_own(method):
    """While the parent's are open, which go on."""
    with stacks.new("netns") as stack:
        assert_served(multiprocessing.get_context(method), None)
        assert stack_elsewhere.echo(stack) == b"echo"


def assert_served(context, given):
    """A process of that kind echoes on the stack it is given, or on one that it makes; and ends."""
    said = context.Queue()
    process = context.Process(target=stack_elsewhere.serve, args=(said, given))
    process.start()
    try:
        assert said.get(timeout=60) == b"echo"
    finally:
        process.join()
        said.close()
    assert process.exitcode == 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it forks with threads
def test_a_forked_process_uses_and_deletes_the_stacks_of_its_parent():
    """The parent's go on; a spawned process cannot have them, which is said."""
    with stacks.new("netns") as stack:
        assert_served(multiprocessing.get_context("fork"), stack)
        assert stack_elsewhere.echo(stack) == b"echo"
        spawned = multiprocessing.get_context("spawn").Process(target=print, args=(stack,))
        with pytest.raises(TypeError, match="belongs to this process: it cannot go to another"):
            spawned.start()


@pytest.mark.parametrize("kind", ["netns", "vdestack"])
def test_a_machine_without_the_device_of_taps(kind):
    """It is said what is missing, and what to do; libvdestack would wait for ever."""
    skip_unless_there("vde_plug", "unshare")
    if kind == "vdestack":
        skip_unless_library("libvdestack.so.0", "libvdestack0")
    program = (
        "import subprocess, sys\n"
        "subprocess.run(['mount', '-t', 'tmpfs', 'none', '/dev/net'], check=True)\n"
        f"sys.exit(subprocess.call([sys.executable, {stack_elsewhere.__file__!r}, {kind!r}]))"
    )

    done = subprocess.run(
        ["unshare", "-Urnm", sys.executable, "-c", program],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    told = "an interface on a VDE network needs /dev/net/tun: No such file or directory; load the"
    assert done.stdout.startswith(told)


def test_a_network_that_ends_while_stacks_are_on_it(tmp_path):
    """The interface ends with the switch that was killed; the stacks go on, and end."""
    before = held()
    with switch(tmp_path) as network:
        stack = stacks.new("netns", network)
        stack.linksetupdown("vde0", True)
        stack.ipaddr_add("10.0.0.1/24", "vde0")
        sock = stack.msocket(type=socket.SOCK_DGRAM)
        sock.connect(("10.0.0.2", 5000))

    deadline = time.monotonic() + 10
    while has(stack, "vde0"):
        assert time.monotonic() < deadline, "the interface lives on"
        time.sleep(0.01)
    with pytest.raises(OSError, match="unreachable"):
        sock.send(b"x")
    sock.close()
    assert stack_elsewhere.echo(stack) == b"echo"
    with pytest.raises(mptcpapi.StackUnavailable, match="Connection refused"):
        stacks.new("netns", network)
    stack.close()
    assert not left(held, before)


def has(stack, interface):
    """Whether a stack has an interface."""
    with stacks.use(stack):
        return interface in {name for _, name in socket.if_nameindex()}
