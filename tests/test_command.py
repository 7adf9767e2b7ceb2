"""What ``mptcpapi`` takes and prints, and its exit status, where no connection is needed."""

import json
import math
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import mptcpapi
from mptcpapi import Endpoint, Event, EventKind, MachineError, TcpState
from mptcpapi.command import cli, output
from mptcpapi.command.start import main

COMMANDS = ("list", "show", "open", "close", "backup", "option", "announce", "monitor", "doctor")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["mptcpapi", *arguments])
    return cli.run()


@pytest.mark.parametrize("arguments", [(), *((name,) for name in COMMANDS)])
def test_help_has_an_example(arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli.commands, [*arguments, "--help"])

    assert done.exit_code == 0
    assert "Example" in done.stdout
    assert "  mptcpapi " in done.stdout


def test_every_command_is_in_the_help() -> None:
    assert sorted(cli.commands.commands) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show",), "expected a CONNECTION, or --pid and --fd"),
        (("show", "--pid", "1"), "expected a CONNECTION, or --pid and --fd"),
        (("show", "77", "--pid", "1", "--fd", "2"), "expected a CONNECTION, or --pid and --fd"),
        (("show", "8591ee501"), "expected a token (8591ee50) or PID/FD (812/5)"),
        (("show", "wlan0"), "expected a token (8591ee50) or PID/FD (812/5)"),
        (("show", "-1/3"), "No such option"),
        (("close", "77", "two"), "'two' is not a valid integer"),
        (("close", "77"), "Missing argument 'SUBFLOW'"),
        (("backup", "77", "1", "maybe"), "'maybe' is not one of 'on', 'off'"),
        (("option", "77", "1", "IP_TTL"), "'IP_TTL' is not one of"),
        (("announce", "77"), "expected an ADDRESS, or --withdraw ID"),
        (("announce", "77", "10.0.2.1", "--withdraw", "3"), "expected an ADDRESS, or --withdraw"),
        (("announce", "77", "10.0.2.1", "--port", "0"), "0 is not in the range"),
        (("monitor", "--seconds", "-1"), "-1.0 is not in the range"),
        (("walk",), "No such command 'walk'"),
    ],
)
def test_usage(
    arguments: tuple[str, ...],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nowhere", str(2**22 + 1)])
def test_a_namespace_that_is_not_there(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "list", "--netns", name) == 1
    assert capsys.readouterr().err.startswith("error: there is no network namespace /")


def test_without_its_packages_the_command_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "mptcpapi.command.cli")
    monkeypatch.delattr("mptcpapi.command.cli")
    monkeypatch.setitem(sys.modules, "click", None)

    with pytest.raises(SystemExit) as end:
        main()

    assert end.value.code == (
        "error: click is missing: install the command with pip install 'mptcpapi[cli]'"
    )


def test_whoever_reads_may_stop() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "mptcpapi", "--help"],
            stdout=gone, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    assert (done.returncode, done.stderr) == (1, "")


def test_the_doctor_agrees_with_the_socket_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(monkeypatch, "doctor", "--json")

    found = json.loads(capsys.readouterr().out)
    assert found["usable"] == (status == 0) == _has_mptcp()
    assert all(each.keys() == {"name", "ok", "found", "remedy"} for each in found["checks"])
    assert not [each for each in found["checks"] if each["ok"] is False and not each["remedy"]]


def _has_mptcp() -> bool:
    program = "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    return done.returncode == 0


def test_a_connection_that_fell_back_is_listed_as_tcp() -> None:
    try:
        mptcpapi.connections()
        mptcpapi.Socket().close()
    except MachineError as reason:
        pytest.skip(str(reason))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        mptcpapi.create_connection(listener.getsockname(), fallback=True) as client,
    ):
        local = "{}:{}".format(*client.getsockname())
        done = CliRunner().invoke(cli.commands, ["list"])

    (row,) = (line for line in done.stdout.splitlines() if local in line)
    assert row.split()[1] == "TCP"


def test_json_has_tokens_as_people_see_them_and_no_infinity() -> None:
    event = Event(EventKind.CLOSED, 1.5, token=0x1EE50, local=Endpoint("fd00::1", 5))
    shown = output.plain({"events": (event,), "rate": math.inf, "state": TcpState.CLOSE})

    assert shown["events"][0]["token"] == "0001ee50"
    assert shown["events"][0]["kind"] == "CLOSED"
    assert shown["events"][0]["local"] == {"host": "fd00::1", "port": 5}
    assert (shown["rate"], shown["state"]) == (None, "CLOSE")
    json.dumps(shown, allow_nan=False)


def test_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_table(("id", "state", ""), [(1, TcpState.ESTABLISHED, None), (10, "[x]", "y")])

    assert capsys.readouterr().out == (
        "id  state\n"
        "1   ESTABLISHED  -\n"
        "10  [x]          y\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, None),
        (0, "0 B"),
        (999, "999 B"),
        (999.7, "1 kB"),
        (1234, "1.23 kB"),
        (999_600, "1 MB"),
        (123_456_789, "123 MB"),
        (5e15, "5000 TB"),
        (math.inf, "no limit"),
    ],
)
def test_sizes(count: float | None, text: str | None) -> None:
    assert output.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, None), (0.0, "0 ms"), (0.0123, "12.3 ms"), (0.9996, "1 s"), (1234.5, "1234 s")],
)
def test_durations(seconds: float | None, text: str | None) -> None:
    assert output.duration(seconds) == text


def test_the_package_does_not_need_the_command() -> None:
    program = "import sys, mptcpapi; sys.exit('click' in sys.modules or 'rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_command_is_installed() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("mptcpapi"), "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.startswith("mptcpapi, version ")
