"""Plug-ins of libioth, compiled from C, loaded by libioth's rules."""

import errno
import select
import shutil
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from own_process import held, left

import mptcpapi
from mptcpapi import stacks
from mptcpapi.stacks.ioth_library import MOST_SPACES

SOURCE = Path(__file__).parent / "programs" / "ioth_shouting.c"
GPL = "SPDX-License-Identifier: GPL-2.0-or-later"


def exchange(stack, port=5000):
    """What a server of a stack hears of a client that says "one"."""
    stack.linksetupdown("lo", True)
    with stack.msocket() as listener, stack.msocket() as sock:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        sock.connect(listener.getsockname())
        accepted, address = listener.accept()
        with accepted:
            assert address == sock.getsockname()
            assert accepted.getpeername() == address
            sock.sendall(b"one")
            assert select.select([accepted], [], [], 10)[0] == [accepted]
            return accepted.recv(10)


@pytest.mark.parametrize("macros", [(), ("WITH_OPTIONS",)], ids=["plain", "options"])
def test_a_plug_in_serves_two_stacks(plug_in, macros):
    """Loaded twice, a plug-in for one stack gives two, each with its sockets and its ports."""
    plug_in("shouting", *macros)
    before = held()
    with stacks.new("ioth:shouting") as one, stacks.new("ioth:shouting") as other:
        assert exchange(one) == exchange(other) == b"ONE"
        with one.msocket() as here, other.msocket() as there:
            for sock in (here, there):
                sock.bind(("127.0.0.1", 7000))  # twice the same port
                with pytest.raises(OSError, match="Invalid argument"):
                    sock.bind(("127.0.0.1", 7001))  # the errno of a libc of its own
    assert not left(held, before)


def test_there_is_a_limit_to_address_spaces(plug_in):
    """One too many is refused before the C library is asked; a stack that is closed makes room."""
    plug_in("shouting")
    with ExitStack() as opened:
        made = [opened.enter_context(stacks.new("ioth:shouting")) for _ in range(MOST_SPACES)]
        with pytest.raises(mptcpapi.StackUnavailable, match="are loaded: close one"):
            stacks.new("ioth:shouting")
        made.pop().close()
        made.append(opened.enter_context(stacks.new("ioth:shouting")))
        with ThreadPoolExecutor(MOST_SPACES) as threads:  # new threads, too, have room
            assert set(threads.map(exchange, made)) == {b"ONE"}


def test_options_come_after_a_comma(plug_in):
    """As in libioth; a plug-in that takes none says so."""
    plug_in("shouting", "WITH_OPTIONS")
    plug_in("plain")

    with stacks.new("ioth:shouting,soft") as stack:
        assert exchange(stack) == b"one"
    with pytest.raises(mptcpapi.InvalidArgument, match="takes no options"):
        stacks.new("ioth:plain,soft")


def test_a_reentrant_plug_in_is_in_the_common_address_space(plug_in):
    """The suffix -r says that it serves several stacks; this one, which cannot, refuses."""
    plug_in("shouting", suffix="-r")

    with stacks.new("ioth:shouting") as stack:
        assert exchange(stack) == b"ONE"
        with pytest.raises(mptcpapi.StackUnavailable) as refused:
            stacks.new("ioth:shouting")
    assert refused.value.errno == errno.EBUSY


def test_code_that_knows_no_stacks_uses_a_plug_in(plug_in):
    """A server of the standard library's functions hears in capitals; timeouts hold."""
    plug_in("shouting")
    with stacks.new("ioth:shouting") as stack:
        stack.linksetupdown("lo", True)
        with stacks.use(stack):
            listener = socket.create_server(("127.0.0.1", 0))
            sock = socket.create_connection(listener.getsockname(), 10)
            with pytest.raises(mptcpapi.Unsupported, match="cannot be a socket of"):
                mptcpapi.Socket()
        with listener, sock:
            accepted, _ = listener.accept()
            with accepted:
                accepted.settimeout(0.01)
                with pytest.raises(TimeoutError):
                    accepted.recv(1)
                accepted.settimeout(10)
                threading.Timer(0, sock.sendall, (b"late",)).start()
                assert accepted.recv(4) == b"LATE"
                with pytest.raises(mptcpapi.StackBusy, match="3 of its sockets"):
                    stack.close()
    with pytest.raises(mptcpapi.StackDeleted):
        stack.msocket()


def test_licences(plug_in):
    """A plug-in under the GPL is for programs whose own licence fits; under the LGPL, for all."""
    file = plug_in("strict", f'LICENSE="{GPL}"')
    plug_in("free", 'LICENSE="SPDX-License-Identifier: LGPL-2.1-or-later"')

    for licence in (None, "Apache-2.0"):
        with pytest.raises(mptcpapi.StackUnavailable) as refused:
            stacks.new("ioth:strict", license=licence)
        assert refused.value.strerror.startswith(f"the plug-in {file} is under '{GPL}', and")
    with stacks.new("ioth:strict", license="GPL-3.0-only"), stacks.new("ioth:free") as stack:
        assert exchange(stack) == b"ONE"


@pytest.mark.parametrize(
    ("macros", "told"),
    [
        (("NO_NEWSTACK",), "has no function ioth_bad_newstack"),
        (("CRASH_ON_LOAD",), "crashed when it was loaded: SIGABRT"),
        (("CRASH_IN_NEWSTACK",), "crashed in newstack: SIGABRT"),
        (("CRASH_ON_UNLOAD",), "crashed when it was unloaded: SIGABRT"),
    ],
)
def test_plug_ins_that_are_broken(plug_in, macros, told):
    """What is wrong is said, and this process lives on."""
    file = plug_in("bad", *macros)
    before = held()

    with pytest.raises(mptcpapi.StackUnavailable) as refused:
        stacks.new("ioth:bad")

    assert told in refused.value.strerror
    assert str(file) in refused.value.strerror
    assert not left(held, before)


def test_plug_ins_that_are_not_there(plug_in, tmp_path):
    """The places where it was looked for are named; a file that is no library, by its fault."""
    plug_in("shouting")
    shutil.copy(SOURCE, tmp_path / ".ioth" / "ioth_text.so")

    for kind, error, told in (
        (
            "ioth:nosuch",
            mptcpapi.StackUnavailable,
            f"no plug-in ioth_nosuch.so in {tmp_path}/.ioth,",
        ),
        ("ioth:text", mptcpapi.StackUnavailable, "cannot load "),
        ("ioth", mptcpapi.InvalidArgument, "expected ioth:NAME"),
        ("ioth:../x", mptcpapi.InvalidArgument, "expected ioth:NAME"),
    ):
        with pytest.raises(error) as refused:
            stacks.new(kind)
        assert told in refused.value.strerror
    with pytest.raises(mptcpapi.StackUnavailable, match="no stack on vde:///x: ") as refused:
        stacks.new("ioth:shouting", "vde:///x")
    assert refused.value.errno == errno.EADDRNOTAVAIL
