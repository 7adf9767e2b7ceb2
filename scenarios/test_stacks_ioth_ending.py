"""How stacks of plug-ins end, while their sockets are in use."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest
from own_process import held, left

import mptcpapi
from mptcpapi import stacks
from mptcpapi.stacks import ioth_probe


def connected(stack):
    """Listener, client and accepted socket of a stack."""
    stack.linksetupdown("lo", True)
    listener, sock = stack.msocket(), stack.msocket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    sock.connect(listener.getsockname())
    return listener, sock, listener.accept()[0]


def test_sockets_outlive_their_plug_in(plug_in):
    """Forced to end, a stack leaves sockets that say so, and that can be closed."""
    plug_in("shouting")
    before = held()
    stack = stacks.new("ioth:shouting")
    opened = connected(stack)
    with stacks.use(stack):
        stack.close(force=True)
        with pytest.raises(mptcpapi.StackDeleted):
            socket.socket()

    for sock in opened:
        for call in (
            sock.getsockname,
            sock.listen,
            lambda sock=sock: sock.send(b"x"),
            lambda sock=sock: sock.recv(1),
        ):
            with pytest.raises(mptcpapi.StackDeleted, match="of this socket was deleted"):
                call()
        sock.close()
    assert not left(held, before)


def test_a_stack_ends_when_the_last_call_in_it_returns(plug_in):
    """A thread that waits in the plug-in keeps it in memory, and no other call comes in."""
    plug_in("shouting")
    stack = stacks.new("ioth:shouting")
    opened = connected(stack)
    _, sock, accepted = opened
    heard = []
    thread = threading.Thread(target=lambda: heard.append(accepted.recv(10)))
    thread.start()
    wait_until_inside(thread)
    stack.close(force=True)
    with pytest.raises(mptcpapi.StackDeleted):
        accepted.getpeername()

    socket.socket.sendall(sock, b"late")  # past the plug-in: its sockets are the kernel's
    thread.join(10)

    assert heard == [b"LATE"]
    for each in opened:
        each.close()
    with stacks.new("ioth:shouting"):
        assert not in_memory_twice()


def wait_until_inside(thread):
    """Return when a thread is in the plug-in's recvfrom, which gives it a name."""
    name = Path(f"/proc/self/task/{thread.native_id}/comm")
    deadline = time.monotonic() + 10
    while (said := name.read_text(encoding="ascii")) != "in recvfrom\n":
        assert time.monotonic() < deadline, f"the thread is called {said!r}"
        time.sleep(0.01)


def in_memory_twice():
    """Whether the plug-in is mapped in two places."""
    with open("/proc/self/maps", encoding="ascii") as file:  # noqa: PTH123
        return sum("ioth_shouting.so" in line and " r-xp " in line for line in file) > 1


def test_a_plug_in_that_keeps_its_stack(plug_in):
    """What delstack refuses is told; the stack goes on, and can be deleted later."""
    plug_in("shouting", "KEEPS_STACK")
    stack = stacks.new("ioth:shouting")

    with pytest.raises(mptcpapi.StackBusy, match="the plug-in does not delete it: Device or res"):
        stack.close()
    for sock in connected(stack):
        sock.close()
    stack.close()
    with pytest.raises(mptcpapi.StackDeleted):
        stack.msocket()


def test_accepted_sockets_count_where_they_are_plain_ones(plug_in):
    """If all functions are the C library's, the namespace of the sockets tells which are open."""
    plug_in("shouting", "PLAIN")
    before = held()
    with stacks.new("ioth:shouting") as stack:
        listener, sock, accepted = connected(stack)
        assert type(accepted) is socket.socket
        listener.close()
        sock.close()

        with pytest.raises(mptcpapi.StackBusy, match=": 1 of its sockets are open"):
            stack.close()
        accepted.close()
    assert not left(held, before)


def test_data_goes_by_messages_where_a_plug_in_has_nothing_else(plug_in):
    """As libioth does: recv by recvmsg, sendto by sendmsg, addresses included."""
    plug_in("shouting", "MESSAGES")
    with stacks.new("ioth:shouting") as stack:
        listener, sock, accepted = connected(stack)
        sock.sendall(b"stream")
        assert accepted.recv(10) == b"STREAM"
        for each in (listener, sock, accepted):
            each.close()
        with stack.msocket(type=socket.SOCK_DGRAM) as one, stack.msocket(type=2) as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            other.sendto(b"datagram", one.getsockname())
            assert one.recvfrom(10) == (b"DATAGRAM", other.getsockname())


def test_a_stack_that_cannot_be_completed_is_deleted(plug_in, tmp_path):
    """A resolver file that is not there is found last: nothing of the plug-in stays."""
    plug_in("shouting")
    stacks.new("ioth:shouting").close()
    before = held()

    with pytest.raises(mptcpapi.InvalidArgument, match="resolver file"):
        stacks.new("ioth:shouting", resolver=str(tmp_path / "nowhere"))

    assert not left(held, before)


def test_a_plug_in_that_does_not_return_when_it_is_loaded(plug_in, monkeypatch):
    """It is given up, and this process never loads it."""
    file = plug_in("bad", "HANG_ON_LOAD")
    monkeypatch.setattr(ioth_probe, "PATIENCE", 1)
    before = held()

    with pytest.raises(mptcpapi.StackUnavailable) as refused:
        stacks.new("ioth:bad")

    assert refused.value.strerror == f"the plug-in {file} is not loaded within 1 s"
    assert not left(held, before)


def test_arguments_that_sockets_refuse(plug_in):
    """What any socket refuses, those of a plug-in do: no memory beyond a buffer is touched."""
    plug_in("shouting")
    with stacks.new("ioth:shouting") as stack, stack.msocket() as sock:
        for call, error in (
            (lambda: sock.recv(-1), ValueError),
            (lambda: sock.recv_into(bytearray(2), 3), ValueError),
            (lambda: sock.send(5), TypeError),
            (lambda: sock.send("text"), TypeError),
            (lambda: sock.sendto(5, ("127.0.0.1", 1)), TypeError),
            (lambda: sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, "1234"), TypeError),
            (lambda: sock.bind("127.0.0.1"), TypeError),
            (lambda: sock.bind(("127.0.0.1", "80")), TypeError),
            (lambda: sock.bind(("127.0.0.1", 65536)), OverflowError),
        ):
            with pytest.raises(error):
                call()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, bytearray(b"\1\0\0\0"))
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
        assert os.get_inheritable(sock.fileno()) is False
