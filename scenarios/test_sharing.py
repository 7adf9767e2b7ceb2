"""Several processes that have one connection open subflows of it at the same time."""

import json
import subprocess
import sys
from contextlib import ExitStack

import pytest

pytestmark = pytest.mark.topology("two_paths")

ROUNDS = 40

PROGRAM = """
import json, sys
import mptcpapi

token, fd, host, first_port, rounds = json.loads(sys.argv[1])
if fd is None:
    fd = mptcpapi.Borrowed.of_token(token)
print("ready", flush=True)
sys.stdin.readline()
opened = []
for number in range(rounds):
    local = (host, first_port and first_port + number)
    subflow = mptcpapi.open_subflow(fd, local)
    opened.append((subflow.id, subflow.local))
    mptcpapi.close_subflow(fd, subflow)
print(json.dumps(opened))
"""


@pytest.fixture
def sharer(sock, client):
    """Start a process at the client that opens and closes subflows of the connection."""
    with ExitStack() as undo:

        def start(host, first_port=0, *, fds=()):
            fd = next(iter(fds), None)
            order = json.dumps([sock.token(), fd, host, first_port, ROUNDS])
            with client.stack():
                process = subprocess.Popen(
                    [sys.executable, "-c", PROGRAM, order], pass_fds=fds, text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                )  # fmt: skip
            undo.enter_context(process)
            undo.callback(process.kill)
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            return process

        yield start


def what_it_opened(process):
    """The ids and local endpoints of a process's subflows, once it has ended."""
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 0, complaint
    return [(number, tuple(local)) for number, local in json.loads(said)]


def test_each_process_gets_its_own(sock, sharer, capture):
    """The owner, a borrower and an heir open and close at once: nobody takes another's subflow."""
    wifi, lte = "10.0.1.1", "10.0.2.1"
    borrower = sharer(lte)
    heir = sharer(lte, 7000, fds=[sock.fileno()])

    for process in (borrower, heir):
        process.stdin.write("go\n")
        process.stdin.flush()
    own = []
    for _ in range(ROUNDS):
        subflow = sock.open_subflow()
        own.append((subflow.id, subflow.local))
        sock.close_subflow(subflow)
    borrowed, inherited = what_it_opened(borrower), what_it_opened(heir)

    assert {local[0] for _, local in own} == {wifi}
    assert {local[0] for _, local in borrowed} == {lte}
    assert [local for _, local in inherited] == [(lte, 7000 + n) for n in range(ROUNDS)]
    every = [*own, *borrowed, *inherited]
    assert len({number for number, _ in every}) == len(every)
    assert [each.id for each in sock.subflows()] == [1]
    joins = capture.until("server", lambda seen: len(seen.joins()) == len(every)).joins()
    assert {join.initiator for join in joins} == {local for _, local in every}
