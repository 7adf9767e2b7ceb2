"""Echo servers and clients on stacks that are chosen when the program runs."""

import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest
import stack_echo
from vde_switch import skip_unless_library

KINDS = ("kernel", "netns", "vdestack")
SERVER, CLIENT = "192.168.250.50", "192.168.250.51"


LINES = [b"one\n", b"two\n", b"three\n"]


@pytest.fixture(autouse=True)
def _has_libvdestack(server, client):
    if "vdestack" in {server, client}:
        skip_unless_library("libvdestack.so.0", "libvdestack0")


@pytest.mark.parametrize("client", KINDS)
@pytest.mark.parametrize("server", KINDS)
def test_an_echo_between_two_stacks_of_one_process(vde_network, server, client):
    """A server on one stack echoes what a client on another types, a line after the other."""
    with ExitStack() as undo:
        serving = undo.enter_context(stack_echo.stack_at(server, vde_network, SERVER))
        asking = undo.enter_context(stack_echo.stack_at(client, vde_network, CLIENT))
        served = undo.enter_context(stack_echo.serving(serving, SERVER))

        assert stack_echo.talk(asking, SERVER, LINES) == LINES
        assert stack_echo.talk(asking, SERVER, LINES[:1]) == LINES[:1]
        assert len(served) == 2
        with socket.socket() as here, pytest.raises(OSError, match="unreachable"):
            here.connect((SERVER, stack_echo.PORT))  # the test's own stack has no such network


@pytest.mark.parametrize("client", KINDS)
@pytest.mark.parametrize("server", KINDS)
def test_an_echo_between_two_processes(vde_network, server, client):
    """The same, with the server in another process."""
    with subprocess.Popen(
        [sys.executable, stack_echo.__file__, server, vde_network, SERVER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            assert process.stdout.readline() == b"ready\n"
            with stack_echo.stack_at(client, vde_network, CLIENT) as asking:
                assert stack_echo.talk(asking, SERVER, LINES) == LINES
            process.stdin.close()
            assert process.wait(10) == 0
        finally:
            process.kill()
