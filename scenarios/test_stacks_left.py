"""What is left of stacks: nothing."""

import fcntl
import os
import subprocess
import time
from pathlib import Path

import pytest
from own_process import held, left
from vde_switch import skip_unless_library

from mptcpapi import stacks

MANY = {
    "kernel": 1000,
    "netns": 1000,
    "netns on a network": 25,
    "vdestack": 25,
    "ioth:shouting": 1000,
}
"""How many are made and deleted; where each takes a process, fewer without --soak."""


def make(kind, network):
    """A stack of that kind, with an interface if it is one with a network."""
    if kind == "netns on a network":
        return stacks.new("netns", network)
    return stacks.new(kind, network if kind == "vdestack" else None)


@pytest.mark.parametrize("kind", MANY)
def test_many_stacks_leave_nothing(request, vde_network, plug_in, kind):
    """Made, used and deleted, they leave no descriptor, thread, process or memory mapping."""
    if kind == "vdestack":
        skip_unless_library("libvdestack.so.0", "libvdestack0")
    if kind.startswith("ioth"):
        plug_in("shouting")
    many = 1000 if request.config.getoption("--soak") else MANY[kind]
    make(kind, vde_network).close()  # what is imported and remembered is so by now
    before, mapped = held(), maps()

    for _ in range(many):
        with make(kind, vde_network) as stack, stack.msocket() as sock:
            assert sock.fileno() >= 0

    assert not left(held, before)
    assert maps() < mapped + 20


def maps():
    """How many mappings the memory of this process has."""
    return len(Path("/proc/self/maps").read_text(encoding="utf-8").splitlines())


def test_a_namespace_ends_with_its_stack(plug_in):
    """The peer of an interface that was moved into the stack ends with the namespace there."""
    plug_in("shouting")
    with stacks.new("netns") as home:
        for kind in ("netns", "ioth:shouting"):
            with stacks.new(kind) as stack:
                move_into(home, stack)
                stack.if_nametoindex("inside")
                home.if_nametoindex("outside")
            with stacks.use(home):
                deadline = time.monotonic() + 10
                while "outside" in names():
                    assert time.monotonic() < deadline, "the namespace lives on"
                    time.sleep(0.01)


def names():
    """The interfaces of the thread's namespace."""
    return subprocess.check_output(["ip", "-o", "link"], text=True)


def move_into(home, stack):
    """Have a pair of interfaces, one end at home, the other in the stack."""
    with stack.msocket() as sock:
        namespace = namespace_of(sock)
    try:
        with stacks.use(home):
            subprocess.run(
                ["ip", "link", "add", "outside", "type", "veth",
                 "peer", "name", "inside", "netns", f"/proc/{os.getpid()}/fd/{namespace}"],
                check=True,
            )  # fmt: skip
    finally:
        os.close(namespace)


def namespace_of(sock):
    """A descriptor of the namespace of a socket (SIOCGSKNS)."""
    return fcntl.ioctl(sock, 0x894C)
