"""``mptcpapi run``: programs that wait, die and lie, and what others notice of it."""

import errno
import os
import pwd
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from old_programs import RUN, SOURCES, compile_c, http_server, started

import mptcpapi
from mptcpapi import TcpState

pytestmark = pytest.mark.topology("multipath_tcp_org")

NOBODY_THERE = "10.0.9.77"
WAITING = [
    *RUN, "--", sys.executable, SOURCES / "waiting.py",
    "multipath-tcp.org", "192.168.34.10", NOBODY_THERE,
]  # fmt: skip
PATIENCE = 20
KNOWN = {
    "EINVAL", "EFAULT", "EBADF", "ENOTSOCK", "EOPNOTSUPP", "ENOPROTOOPT", "EPERM", "EOVERFLOW",
    "EADDRINUSE", "EADDRNOTAVAIL", "ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED", "ECONNRESET",
    "ECONNABORTED", "ETIMEDOUT", "EISCONN",
}  # fmt: skip
"""What the program can be told: EIO would be a defect, ENOSYS the end of the supervisor."""


@pytest.fixture
def web(server):
    """An HTTP server called multipath-tcp.org."""
    with http_server(server):
        yield


@pytest.fixture
def silence(net, web):
    """An address from which no answer ever comes, not even that nobody is there."""
    net.node("gw").run("ip", "neighbour", "add", NOBODY_THERE, "lladdr", "02:00:00:00:00:77",
                       "dev", "core", "nud", "permanent")  # fmt: skip


def wait_for_syn(client):
    """Wait until the subflow to nobody is on its way."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with client.stack():
            for connection in mptcpapi.connections():
                with mptcpapi.Borrowed.of_token(connection.token) as borrowed:
                    if any(each.state is TcpState.SYN_SENT for each in mptcpapi.subflows(borrowed)):
                        return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_call_that_waits_keeps_nobody_else_waiting(client, silence):
    """A child waits for a subflow that nobody answers; meanwhile its parent is told of it."""
    with started(client, WAITING) as program:
        wait_for_syn(client)
        program.go_on()
        ((*listed,),) = program.until_word("listed")
        before = program.said("ended")
        program.close_input()
        status, _ = program.end()

    assert (listed, before) == (["1", "2"], [])
    assert status == 0
    assert program.said("ended") == [[str(errno.ETIMEDOUT)]]


def test_a_program_that_dies_in_a_call(client, silence):
    """It ends at once, though its call is not answered; others are answered as before."""
    with started(client, WAITING) as program:
        wait_for_syn(client)
        ((child,),) = program.until_word("child")
        os.kill(int(child), signal.SIGKILL)
        program.until(f"ended {-signal.SIGKILL}")
        program.go_on()
        ((first, *_),) = program.until_word("listed")
        program.close_input()

        assert first == "1"
        assert program.end()[0] == 0


def test_a_hostile_program(client, web, tmp_path):
    """Random lengths, pointers and memory that changes end with errnos; then all is well still."""
    hostile = compile_c("hostile.c", tmp_path / "hostile")
    with started(client, [*RUN, "--trace", "--", hostile, "multipath-tcp.org", 80, 10_000]) as told:
        status, trace = told.end()

    assert status == 0, trace[-1000:]
    assert told.said("listed") == [["1"]]
    counts = {int(code): int(count) for code, count in told.said("errno")}
    assert sum(counts.values()) == 10_000
    names = {errno.errorcode[code] for code in counts if code}
    assert names <= KNOWN | {errno.errorcode[errno.EOPNOTSUPP]}
    assert names >= {"EINVAL", "EFAULT", "EBADF", "ENOPROTOOPT"}
    assert "defect" not in trace
    assert trace.count("killed in a call") <= 4


def test_an_ordinary_user(client, web):
    """With --user it has that user's rights and sockets; its subflows it opens all the same."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        program = compile_c("client.c", Path(directory) / "client")
        command = [*RUN, "--user", nobody.pw_name, "--", program]
        with started(client, [*command, "multipath-tcp.org", 80, "192.168.33.10",
                              "192.168.34.10"]) as told:  # fmt: skip
            skip_unless_mapped(told)
            with client.stack():
                (connection,) = mptcpapi.connections()
            told.go_on()

            assert told.end() == (0, "")

    assert connection.uid == nobody.pw_uid
    assert len(told.said("opened")) == 2
    assert told.errors["port"] == errno.EACCES
    assert told.errors["mark"] == errno.EPERM
    assert told.errors["priority"] == 0


def skip_unless_mapped(program):
    """Wait until it is ready; skip where no other user can be had."""
    try:
        program.until("ready")
    except AssertionError as ended:
        if "cannot become user" in str(ended):
            pytest.skip(str(ended))
        raise
