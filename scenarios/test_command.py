"""``mptcpapi``: a connection of this process, seen and steered by a command that is another one."""

import fcntl
import json
import os
import pty
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager
from pathlib import Path

import pytest

import mptcpapi
from lab.errors import Unsupported
from lab.wire.mptcp import MpFastclose, MpPrio
from mptcpapi import EventKind
from mptcpapi.command import cli

pytestmark = pytest.mark.topology("two_paths")

COMMAND = [sys.executable, "-m", "mptcpapi"]


@pytest.fixture
def start(client):
    """Start ``mptcpapi`` at the client."""

    def start(*arguments):
        return client.popen(
            [*COMMAND, *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


@pytest.fixture
def command(start):
    """Run ``mptcpapi`` at the client to its end; what it says, or complains if it fails."""

    def run(*arguments, status=0):
        with start(*arguments) as process:
            said, complaint = process.communicate(timeout=60)
        assert process.returncode == status, complaint
        return complaint if status else said

    return run


@pytest.fixture
def ask(command):
    """Run ``mptcpapi`` at the client with ``--json``."""
    return lambda *arguments: json.loads(command(*arguments, "--json"))


@pytest.fixture
def token(flow):
    """The connection's, once subflows can be added to it."""
    flow.wait_delivered("50 kB")
    return f"{flow.connection.token():08x}"


def endpoint(text):
    """An endpoint as JSON has it."""
    return {"host": text.host, "port": text.port}


def test_a_connection_is_listed_with_its_owner(flow, token, ask):
    """The list has the token, the endpoints, the path manager, and the process and descriptor."""
    program = Path("/proc/self/comm").read_text(encoding="utf-8").strip()
    (listed,) = ask("list")["connections"]

    assert listed == {
        "token": token,
        "local": endpoint(flow.first.local),
        "remote": endpoint(flow.first.remote),
        "state": "ESTABLISHED",
        "fallback": False,
        "uid": os.getuid(),
        "owners": [{"pid": os.getpid(), "fd": flow.connection.fileno(), "program": program}],
        "path_manager": "userspace",
        "subflows": 1,
    }


def test_opening_prioritising_and_closing_from_outside(flow, token, capture, ask):
    """Ids are the same in every command; peer and wire see what the commands did."""
    opened = ask("open", token, flow.address("client", "lte"), "--backup")
    lte = flow.connection.subflows()[-1]
    normal = ask("backup", token, opened["id"], "off")
    seen = capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 50_000)
    shown = ask("show", token)["subflows"]
    closed = ask("close", token, opened["id"])

    assert (opened["id"], opened["local"]) == (lte.id, endpoint(lte.local))
    assert (opened["backup"], normal["backup"]) == (True, False)
    assert [each["id"] for each in shown] == [1, lte.id]
    assert shown[1]["tcp_info"]["bytes_acked"] > 0
    assert closed == {"closed": lte.id}
    assert [each.id for each in flow.connection.subflows()] == [1]
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte)
    flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
    assert seen.join().initiator == lte.local
    _, prio = seen.arrived().only(MpPrio)
    assert not prio.backup
    ended = capture.until("server", lambda seen: any(s.fin for s in seen.arrived().on(lte)))
    assert not any(segment.rst for segment in ended.on(lte))


def test_aborting_by_process_and_descriptor(flow, token, capture, ask):
    """PID/FD names a connection too; an aborted subflow ends with RST."""
    place = f"{os.getpid()}/{flow.connection.fileno()}"
    opened = ask("open", place, flow.address("client", "lte"))
    lte = flow.connection.subflows()[-1]

    ask("close", place, opened["id"], "--abort")

    assert [each.id for each in flow.connection.subflows()] == [1]
    seen = capture.until("server", lambda seen: any(s.rst for s in seen.arrived().on(lte)))
    assert not any(segment.fin for segment in seen.on(lte))
    flow.events["client"].wait(EventKind.SUB_CLOSED, lte)


def test_a_process_in_another_namespace(flow, token, client):
    """From another namespace a connection is found by its process, and with --netns."""

    def outside(*arguments):
        done = subprocess.run(
            [*COMMAND, *arguments, "--json"], capture_output=True, text=True, check=True, timeout=60
        )
        return json.loads(done.stdout)

    place = ("--pid", str(os.getpid()), "--fd", str(flow.connection.fileno()))
    assert outside("list") == {"connections": []}
    assert outside("show", *place)["token"] == token
    (listed,) = outside("list", "--netns", str(client.pid))["connections"]
    assert listed["token"] == token


@pytest.mark.flow(sender="server")  # a host that sends may lose REMOVE_ADDR (docs/mptcpapi.md)
def test_an_address_is_announced_and_withdrawn(flow, token, ask):
    """The peer hears of the address with its port and id, and that it is gone."""
    address = flow.address("client", "lte")
    announced = ask("announce", token, address, "--port", 7000, "--id", 7)
    withdrawn = ask("announce", token, "--withdraw", 7)

    assert (announced, withdrawn) == ({"announced": 7}, {"withdrawn": 7})
    flow.events["server"].wait(EventKind.ANNOUNCED, remote=(address, 7000), remote_id=7)
    flow.events["server"].wait(EventKind.REMOVED, remote_id=7)


def test_an_option_of_one_subflow(flow, token, client, ask, command):
    """It is set on this subflow and not on the other; another program sees it."""
    lte = flow.open_subflow("lte")
    try:
        flow.connection.get_subflow_option(lte, socket.SOL_SOCKET, socket.SO_MARK)
    except mptcpapi.MachineError as refused:
        raise Unsupported(refused.strerror) from refused

    answer = ask("option", token, lte.id, "IP_TOS", "0x28")
    others = command("option", token, 1, "ip_tos")

    assert answer == {"subflow": lte.id, "name": "IP_TOS", "value": 0x28}
    assert others == "IP_TOS 0\n"
    port = ("sport", "=", f":{lte.local.port}")
    assert "tos:0x28" in client.run("ss", "--no-header", "--tcp", "--info", "--tos", *port).split()
    answer = ask("option", token, lte.id, "TCP_CONGESTION", "reno")
    assert answer["value"] == "reno"
    refusal = command("option", token, lte.id, "TCP_CONGESTION", "none", status=1)
    assert "no such congestion control" in refusal


def test_events_are_followed_until_the_connection_ends(flow, token, start):
    """The stream begins with the subflows there are, and does not keep the connection open."""
    first = flow.first
    with start("monitor", token, "--json") as monitor:
        begun = json.loads(monitor.stdout.readline())
        lte = flow.open_subflow("lte")
        opened = json.loads(monitor.stdout.readline())
        flow.finish()
        flow.connection.close()
        *_, ended = map(json.loads, monitor.communicate(timeout=60)[0].splitlines())

    assert (begun["kind"], begun["local"]) == ("ESTABLISHED", endpoint(first.local))
    assert (opened["kind"], opened["local"]) == ("SUB_ESTABLISHED", endpoint(lte.local))
    assert (ended["kind"], ended["token"]) == ("CLOSED", token)
    assert monitor.returncode == 0
    flow.events["client"].wait(EventKind.CLOSED, token=int(token, 16))


def test_events_are_followed_until_the_peer_resets_the_connection(flow, token, start, capture):
    """The command ends and says so, though the owner has its socket still."""
    with start("monitor", token, "--json") as as_json, start("monitor", token) as monitor:
        rows = [monitor.stdout.readline() for _ in range(2)]
        lines = [as_json.stdout.readline()]
        flow.finish()
        flow.accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        flow.accepted.close()
        rows += monitor.communicate(timeout=60)[0].splitlines()
        lines += as_json.communicate(timeout=60)[0].splitlines()

    told = [(each["kind"], each["inferred"]) for each in map(json.loads, lines)]
    assert told == [("ESTABLISHED", True), ("SUB_CLOSED", True), ("CLOSED", True)]
    assert rows[-1].split()[1:] == ["CLOSED", token, "-", "inferred"]
    assert (as_json.returncode, monitor.returncode) == (0, 0)
    assert flow.connection.fileno() >= 0
    assert capture.until("client", lambda seen: seen.arrived().all(MpFastclose))


def test_following_all_connections_until_ctrl_c(flow, token, start):
    """Without a terminal, events are plain columns; Ctrl-C ends them without a word."""
    with start("monitor") as monitor:
        names = monitor.stdout.readline().split()
        lte = flow.open_subflow("lte")
        event = monitor.stdout.readline().split()
        monitor.send_signal(signal.SIGINT)
        rest, complaint = monitor.communicate(timeout=60)

    assert names == ["time", "event", "token", "subflow", "about", "it"]
    assert event[1:] == ["SUB_ESTABLISHED", token, str(lte.local), ">", str(lte.remote)]
    assert (rest, complaint, monitor.returncode) == ("", "", 130)


def test_following_until_nobody_reads(flow, token, start):
    """The command ends when its output is closed, even though no event comes."""
    with start("monitor", token) as monitor:
        monitor.stdout.readline()
        monitor.stdout.readline()
        monitor.stdout.close()
        assert monitor.wait(60) == 1
        assert monitor.stderr.read() == ""


def test_following_for_some_seconds(flow, token, start):
    """After the seconds asked for, the command ends by itself."""
    with start("monitor", token, "--seconds", "0.1") as monitor:
        said, complaint = monitor.communicate(timeout=60)

    assert [line.split()[1] for line in said.splitlines()] == ["event", "ESTABLISHED"]
    assert (complaint, monitor.returncode) == ("", 0)


@pytest.fixture
def on_terminal(client):
    """Start ``mptcpapi`` at the client, on a terminal of 80 columns that is read from a file."""

    @contextmanager
    def start(*arguments):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        with os.fdopen(ours, "rb", 0) as screen:
            with client.popen(
                [*COMMAND, *arguments], stdin=theirs, stdout=theirs,
                env=os.environ | {"NO_COLOR": "1", "TERM": "xterm"},
            ) as process:  # fmt: skip
                os.close(theirs)
                yield screen
            assert process.returncode == 0

    return start


def read(screen):
    """What a terminal shows; nothing once nobody writes to it any more."""
    try:
        return screen.read(4096)
    except OSError:
        return b""


def test_on_a_terminal_no_line_is_wider_than_it(flow, token, on_terminal):
    """On a terminal of 80 columns figures are blocks, with the endpoints in one line."""
    flow.open_subflow("lte")
    with on_terminal("show", token) as screen:
        lines = b"".join(iter(lambda: read(screen), b"")).decode().splitlines()

    ends = [line.split() for line in lines if line.startswith("  local ")]
    subflows = flow.connection.subflows()
    assert ends == [["local", str(s.local), "remote", str(s.remote)] for s in subflows]
    assert max(map(len, lines)) <= 80


def test_on_a_terminal_subflows_are_drawn_below_the_events(flow, token, on_terminal):
    """Each with its rates, and anew all the time, until the connection ends."""
    lte = flow.open_subflow("lte")
    with on_terminal("monitor", token, "--seconds", "30") as screen:
        seen = b""
        for subflow in (flow.first, lte):
            rate = rf"local {re.escape(str(subflow.local))} .*\r\n +sending [1-9][\d.]* [kM]bit/s"
            while not re.search(rate.encode(), seen):
                piece = read(screen)
                assert piece, seen
                seen += piece
        flow.finish()
        flow.connection.close()
        rest = b"".join(iter(lambda: read(screen), b"")).decode()

    ended = [line.split()[1:3] for line in rest.splitlines() if " CLOSED " in line]
    assert ended == [["CLOSED", token]]


def test_what_is_refused(flow, token, client, monkeypatch, capsys):
    """Each refusal is one sentence and status 1; the connection goes on."""
    lte = flow.address("client", "lte")
    flow.connection.announce(lte, id=3)
    for arguments, complaint in {
        ("close", token, "9"): "no such subflow as 9; the ids of those it has: 1",
        ("open", token, "10.0.99.1"): "the local address is not one of this host",
        ("open", token, lte, "10.0.9.2:9"): "nothing listens there with MPTCP",
        ("open", token, lte, "--interface", "wlan77"): "interface 'wlan77'",
        ("show", "00000001"): "has the token 00000001",
        ("announce", token, lte, "--id", "7"): f"of the ids that the connection has, 3 is {lte}",
        ("backup", f"{os.getpid()}/0", "1", "on"): f"descriptor 0 of process {os.getpid()}",
        ("show", f"{2**22 + 1}/0"): "there is no process",
        ("announce", token, "--withdraw", "77"): "address id 77",
    }.items():
        monkeypatch.setattr(sys, "argv", ["mptcpapi", *arguments])
        with client.stack():
            assert cli.run() == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert complaint in said
        assert said.count("\n") == 1
    flow.wait_delivered_more("50 kB")

    assert [each.id for each in flow.connection.subflows()] == [1]


def test_a_connection_of_the_kernels_path_manager(flow, server, command):
    """It is listed as such, it can be looked at, and a refusal says what to do."""
    flow.wait_delivered("50 kB")
    place = f"{os.getpid()}/{flow.accepted.fileno()}"

    assert "path manager  kernel" in command("show", place)
    assert "net.mptcp.pm_type=1" in command("close", place, 1, status=1)


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_completion(flow, token, client, shell):
    """The shell is offered tokens and ids of subflows, of the namespace that --netns says."""
    there = f"--netns {client.pid} "
    for words, offered in (
        ("mptcpapi show ", []),
        (f"mptcpapi show {there}", [token]),
        (f"mptcpapi show {there}{token[:2].upper()}", [token]),
        (f"mptcpapi close {there}{token} ", ["1"]),
        (f"mptcpapi close {token} {there}", ["1"]),
        (f"mptcpapi close {token} ", []),
        ("mptcpapi show --netns nowhere ", []),
        (f"mptcpapi option {token} 1 ip_t", ["IP_TOS"]),
    ):
        *before, incomplete = words.split(" ")
        asked = {
            "bash": {"COMP_WORDS": words, "COMP_CWORD": str(len(before))},
            "fish": {"COMP_WORDS": words, "COMP_CWORD": incomplete},
        }
        done = subprocess.run(
            COMMAND, capture_output=True, text=True, check=False, timeout=60,
            env=os.environ | {"_MPTCPAPI_COMPLETE": f"{shell}_complete"} | asked[shell],
        )  # fmt: skip
        said = [line.partition("\t")[0].removeprefix("plain,") for line in done.stdout.split("\n")]
        assert [value for value in said if value] == offered, words
        assert done.stderr == ""


def test_the_doctor(net, client, ask, start):
    """In a sandbox the path manager obeys; without MPTCP the status is 1. A command mends it."""
    found = ask("doctor")
    client.set_sysctls({"net.mptcp.enabled": "0"})
    with start("doctor", "--json") as process:
        off = json.loads(process.communicate(timeout=60)[0])
    (broken,) = off["checks"]
    client.run(*shlex.split(broken["command"]))

    assert found["usable"]
    works = {each["name"]: each["ok"] for each in found["checks"]}
    assert works["open, close, backup, announce"]
    assert works["events"]
    assert works["connections listed"]
    assert (process.returncode, off["usable"]) == (1, False)
    assert "net.mptcp.enabled=1" in broken["remedy"]
    assert ask("doctor") == found
