"""Private stacks of the kernel in one process, on VDE networks."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stack_echo
from own_process import held, left
from vde_switch import skip_unless_there

import mptcpapi
from mptcpapi import stacks

KINDS = ("kernel", "netns")
SERVER, CLIENT = "192.168.250.50", "192.168.250.51"
LINES = [b"one\n", b"two\n", b"three\n"]


def test_code_that_knows_no_stacks_is_pointed_at_one(vde_network):
    """In a stack that a thread uses, all its sockets are made, and nothing else changes."""
    with (
        stack_echo.stack_at("netns", vde_network, SERVER) as outer,
        stack_echo.stack_at("netns", vde_network, CLIENT) as inner,
    ):
        with stacks.use(outer):
            listener = socket.create_server((SERVER, 0))
            with stacks.use(inner):
                names = [name for _, name in socket.if_nameindex()]
                sock = socket.create_connection(listener.getsockname(), 10)
            assert stacks.current() is outer
        with listener, sock:
            accepted, address = listener.accept()
            accepted.close()

    assert address[0] == CLIENT
    assert sorted(names) == ["lo", "vde0"]
    assert stacks.current() is None


def test_a_stack_is_busy_while_a_socket_of_it_is_open_however_it_was_made(vde_network):
    """Accepted, duplicated and detached ones count; forced, a stack ends all the same."""
    stack = stacks.new("netns")
    with stacks.use(stack), socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    detached = os.dup(sock.detach())

    with pytest.raises(mptcpapi.StackBusy) as busy:
        stack.close()
    accepted.close()
    assert busy.value.errno == errno.EBUSY
    assert ": 3 of its sockets are open" in busy.value.strerror
    with pytest.raises(mptcpapi.StackBusy):
        stack.close()
    stack.close(force=True)
    os.close(detached)
    with pytest.raises(mptcpapi.StackDeleted):
        stack.msocket()


def test_links_addresses_and_routes(vde_network):
    """What libioth's calls do is seen by the system's own tools in the stack."""
    with stacks.new("netns", [vde_network, f"eth0:{vde_network}"]) as stack:
        stack.linksetaddr("vde0", "02:00:00:00:00:07")
        stack.linksetmtu("vde0", 1400)
        for interface in ("vde0", stack.if_nametoindex("eth0")):
            stack.linksetupdown(interface, True)
        for address in ("10.0.0.1/24", "fd00::1/64"):
            stack.ipaddr_add(address, "vde0")
        stack.iproute_add("default", "10.0.0.9")
        stack.iproute_add("10.7.0.0/16", interface="eth0")
        stack.iproute_add("fd07::/64", "fd00::9")
        stack.iplink_add("br5", "bridge", {"IFLA_BR_AGEING_TIME": 500}, IFLA_MTU=1300)

        assert stack.linkgetaddr("vde0") == "02:00:00:00:00:07"
        said = shown(stack)
        stack.linksetupdown("eth0", False)
        stack.ipaddr_del("10.0.0.1/24", "vde0")
        stack.iproute_del("fd07::/64", "fd00::9")
        stack.iplink_del("br5")
        later = shown(stack)

    for word in ("vde0 UNKNOWN 02:00:00:00:00:07", "mtu 1400", "mtu 1300", "inet 10.0.0.1/24",
                 "inet6 fd00::1/64", "default via 10.0.0.9 dev vde0", "10.7.0.0/16 dev eth0",
                 "fd07::/64 via fd00::9", "br5"):  # fmt: skip
        assert word in said
        assert (word in later) == (word in {"vde0 UNKNOWN 02:00:00:00:00:07", "mtu 1400",
                                            "inet6 fd00::1/64"})  # fmt: skip


def shown(stack):
    """What ip(8) shows of a stack."""
    orders = (["-br", "link"], ["link"], ["addr"], ["route"], ["-6", "route"])
    with stacks.use(stack):
        texts = [subprocess.check_output(["ip", *order], text=True) for order in orders]
    return " ".join(" ".join(texts).split())


def test_what_the_kernel_refuses_is_told_in_its_words():
    """An address given twice, a bridge that is there, a route to nowhere: what, where, and why."""
    with stacks.new("netns") as stack:
        stack.ipaddr_add("10.0.0.1/24", "lo")
        for call, code in (
            (lambda: stack.ipaddr_add("10.0.0.1/24", "lo"), errno.EEXIST),
            (lambda: stack.ipaddr_del("10.0.0.2/24", "lo"), errno.EADDRNOTAVAIL),
            (lambda: stack.iproute_add("default", "10.9.0.1"), errno.ENETUNREACH),
            (lambda: stack.iplink_add("x", "nosuch"), errno.EOPNOTSUPP),
            (lambda: stack.linksetupdown("x", True), errno.ENODEV),
        ):
            with pytest.raises(mptcpapi.KernelRefused) as refused:
                call()
            assert refused.value.errno == code
            assert refused.value.strerror.startswith(f"{stack}: cannot ")


def test_a_network_that_is_not_there(tmp_path):
    """The plug's own words say what is missing, and nothing is left."""
    skip_unless_there("vde_plug")
    before = held()

    with pytest.raises(mptcpapi.StackUnavailable) as refused:
        stacks.new("netns", f"vde://{tmp_path}/nowhere")

    assert refused.value.strerror.startswith(
        f"cannot connect vde0 to the VDE network vde://{tmp_path}/nowhere: "
    )
    assert "No such file or directory" in refused.value.strerror
    assert not left(held, before)


def test_a_machine_without_vde_plug(monkeypatch):
    """The package is named."""
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(mptcpapi.StackUnavailable, match="install the package vdeplug"):
        stacks.new("netns", "vde:///tmp/sw")


def test_a_closed_stack_leaves_its_network_at_once(vde_network):
    """When close returns, plug and thread have ended: the process was waited for."""
    before, others = held(), children(os.getpid())
    for _ in range(10):
        stack = stacks.new("netns", [vde_network, vde_network])
        plugs = children(os.getpid())
        assert len(plugs) == 2 + len(others)
        stack.close()
        assert not left(held, before)


def test_a_stack_whose_plug_was_killed(vde_network):
    """Its interface is gone, which the kernel says; the stack works, and ends."""
    before, others = held(), children(os.getpid())
    with stacks.new("netns", vde_network) as stack:
        (plug,) = {*children(os.getpid())} - {*others}
        os.kill(plug, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while has(stack, "vde0"):
            assert time.monotonic() < deadline, "the interface lives on"
            time.sleep(0.01)
        with pytest.raises(mptcpapi.KernelRefused, match="find the interface vde0: No such dev"):
            stack.linksetupdown("vde0", True)
        stack.linksetupdown("lo", True)
    assert not left(held, before)


def has(stack, interface):
    """Whether a stack has an interface."""
    with stacks.use(stack):
        return interface in {name for _, name in socket.if_nameindex()}


def test_a_stack_dies_with_its_process(vde_network):
    """Killed, a process leaves no plug behind: the network has room for its successor."""
    with subprocess.Popen(
        [sys.executable, stack_echo.__file__, "netns", vde_network, SERVER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"ready\n"
        (plug,) = children(process.pid)
        process.kill()

    deadline = time.monotonic() + 10
    while Path(f"/proc/{plug}").exists():
        assert time.monotonic() < deadline, f"the plug {plug} lives on"
        time.sleep(0.01)


def children(process):
    """The children of all threads of a process."""
    found = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for each in found for child in each.read_text().split()]
