"""What ``mptcpapi`` takes and prints, and its exit status, where no connection is needed."""

import fcntl
import json
import math
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner

import mptcpapi
from mptcpapi import Endpoint, Event, EventKind, MachineError, TcpState
from mptcpapi.command import cli, doctor, output
from mptcpapi.command.checks import Check
from mptcpapi.command.start import main
from mptcpapi.subflow_options.table import OPTIONS

COMMANDS = (
    "list", "show", "open", "close", "backup", "option", "announce", "monitor", "run", "doctor"
)  # fmt: skip
TOKEN = "8591ee50"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["mptcpapi", *arguments])
    return cli.run()


@pytest.mark.parametrize("arguments", [(), *((name,) for name in COMMANDS)])
def test_help_has_an_example(arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli.commands, [*arguments, "--help"])

    assert done.exit_code == 0
    assert "Example" in done.stdout
    assert "  mptcpapi " in done.stdout


@pytest.mark.parametrize("arguments", [(), *((name,) for name in COMMANDS)])
def test_the_examples_are_command_lines(arguments: tuple[str, ...]) -> None:
    text = CliRunner().invoke(cli.commands, [*arguments, "--help"]).stdout

    examples = re.findall(r"^ +mptcpapi (.*)$", text.partition("Example")[2], re.MULTILINE)
    assert examples
    for name, *rest in map(str.split, examples):
        cli.commands.commands[name].make_context(name, rest)  # or it raises what is wrong


def test_every_command_is_in_the_help() -> None:
    assert sorted(cli.commands.commands) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show",), "expected a CONNECTION, or --pid and --fd"),
        (("show", "--pid", "1"), "expected a CONNECTION, or --pid and --fd"),
        (("show", TOKEN, "--pid", "1", "--fd", "2"), "expected a CONNECTION, or --pid and --fd"),
        (("show", "1"), "'1': expected a token, the 8 hexadecimal digits that"),
        (("show", "8591ee501"), "expected a token, the 8 hexadecimal digits that"),
        (("show", "0x8591ee50"), "expected a token, the 8 hexadecimal digits that"),
        (("show", "wlan0"), "or PID/FD (812/5)"),
        (("show", "812/5/6"), "or PID/FD (812/5)"),
        (("show", ""), "'': expected a token"),
        (("show", "-1/3"), "No such option"),
        (("show", "--pid", "-1", "--fd", "3"), "-1 is not in the range"),
        (("close", TOKEN, "two"), "'two' is not a valid integer"),
        (("close", TOKEN), "Missing argument 'SUBFLOW'"),
        (("close", TOKEN, "1", "--timeout", "-1"), "'-1': expected a number from 0 to 86400"),
        (("close", TOKEN, "1", "--timeout", "nan"), "'nan': expected a number from 0 to 86400"),
        (("backup", TOKEN, "1", "maybe"), "'maybe' is not one of 'on', 'off'"),
        (("close", TOKEN, "1", "--timeout", "\u0661"), "expected a number from 0 to 86400"),
        (("close", TOKEN, "1", "--timeout", "1_0"), "expected a number from 0 to 86400"),
        (("backup", TOKEN, "\u0661", "on"), "'\u0661' is not a valid integer"),
        (("backup", TOKEN, "1_0", "on"), "'1_0' is not a valid integer"),
        (("show", "--pid", "\u0661", "--fd", "3"), "'\u0661' is not a valid integer"),
        (("announce", TOKEN, "--withdraw", "\u0661"), "'\u0661' is not a valid integer"),
        (("option", TOKEN, "1", "IP_TTL"), "one subflow has no such option: did you mean IP_TOS? "),
        (("option", TOKEN, "1", "congestion"), "did you mean TCP_CONGESTION? "),
        (("option", TOKEN, "1", "zzzzz"), "one subflow has no such option (mptcpapi option --help"),
        (("list", "--netns", ""), "'': expected a process, or a name that 'ip netns' prints"),
        (("list", "--netns", "."), "'.': expected a process, or a name that 'ip netns' prints"),
        (("announce", TOKEN), "expected an ADDRESS, or --withdraw ID"),
        (("option", TOKEN, "1", "IP_TOS", "\u0661"), "IP_TOS takes a number, not '\u0661'"),
        (("announce", TOKEN, "10.0.2.1:1", "--port", "2"), "has a port already: leave out --port"),
        (("announce", TOKEN, "10.0.2.1", "--withdraw", "3"), "expected an ADDRESS, or --withdraw"),
        (("announce", TOKEN, "10.0.2.1", "--port", "0"), "0 is not in the range"),
        (("monitor", "--seconds", "-1"), "'-1': expected a number from 0 to 86400"),
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
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert complaint in said
    assert said.count("\n") == 1


def test_the_help_has_the_names_of_all_options() -> None:
    text = CliRunner().invoke(cli.commands, ["option", "--help"]).stdout

    names = {option.name for option in OPTIONS} - {"TCP_INFO"}
    assert names <= set(re.findall(r"[A-Z0-9_]+", text))


def test_without_arguments_there_is_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch)

    assert "mptcpapi open 8591ee50" in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["nowhere", str(2**22 + 1), "\u0661"])
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
    keys = {"name", "ok", "found", "remedy", "command"}
    assert all(each.keys() == keys for each in found["checks"])
    assert not [each for each in found["checks"] if each["ok"] is False and not each["remedy"]]


def test_the_doctor_says_nothing_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several things are missing for the same reason, or one command helps against all."""
    found = [
        Check("MPTCP", True, "sockets can be made"),
        Check("abort", False, "not allowed", "takes CAP_NET_ADMIN", "sudo this"),
        Check("options", False, "not allowed", "takes CAP_BPF", "sudo this"),
        Check("events", False, "not allowed", "takes CAP_NET_ADMIN", "sudo this"),
    ]
    monkeypatch.setattr(doctor, "checks", lambda _: found)
    run(monkeypatch, "doctor")

    assert capsys.readouterr().out.split("\n\n")[1:] == [
        "abort, events: takes CAP_NET_ADMIN",
        "options: takes CAP_BPF\n    sudo this\n",
    ]


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
    rows = [(1, TcpState.ESTABLISHED, None), (10, "[x]", "y" * 200)]
    output.show_table(("id", "state", ""), rows, ())

    assert capsys.readouterr().out == (
        "id  state\n"
        "1   ESTABLISHED  -\n"
        f"10  [x]          {'y' * 200}\n"
    )  # fmt: skip


LONG = "[fd00:1:2:3:4:5:6:7]:65535"

TABLE = f"""
from mptcpapi.command.output import show_table
show_table(
    ("id", "local", "remote", "state", "rtt"),
    [(1, "{LONG}", "{LONG}", "ESTABLISHED", "1 ms"), (12, "10.0.1.1:5", "{LONG}", "CLOSE", None)],
    (("id", "state"), ("local", "remote"), ("rtt",)),
)
"""


def on_terminal(columns: int, program: str, **environment: str) -> list[str]:
    """The lines that a program writes to a terminal so wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=theirs, env=kept | environment
    ) as process:
        os.close(theirs)
        said = b"".join(iter(lambda: _read(ours), b"")).decode()
    os.close(ours)
    assert process.returncode == 0
    return said.splitlines()


def _read(terminal: int) -> bytes:
    """Nothing once nobody writes there any more."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_a_table_as_wide_as_the_terminal() -> None:
    lines = on_terminal(77, TABLE, TERM="dumb")

    assert [line.split()[0] for line in lines] == ["id", "1", "12"]
    assert len(lines[1]) == 77


def test_blocks_where_the_terminal_is_narrower() -> None:
    assert on_terminal(76, TABLE, NO_COLOR="1") == [
        "id 1   state ESTABLISHED",
        f"  local {LONG}  remote {LONG}",
        "  rtt 1 ms",
        "id 12  state CLOSE",
        f"  local 10.0.1.1:5{' ' * 16}  remote {LONG}",
        "  rtt -",
    ]


def test_no_value_is_broken_however_narrow_the_terminal_is() -> None:
    lines = on_terminal(20, TABLE, NO_COLOR="1")

    assert f"  local {LONG}" in lines
    assert f"  remote {LONG}" in lines


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours(environment: dict[str, str], coloured: bool) -> None:
    said = on_terminal(80, TABLE, **{"TERM": "xterm", "NO_COLOR": ""} | environment)

    assert ("\x1b[" in "".join(said)) == coloured


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
    program = "import sys; from mptcpapi import *; sys.exit('click' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_name_that_the_locale_has_not_is_printed_all_the_same() -> None:
    program = "from mptcpapi.command import cli; cli.run(); print('Ω')"
    done = subprocess.run(
        [sys.executable, "-c", program, "--help"], stdout=subprocess.PIPE, check=True,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip

    assert done.stdout.endswith(b"\n\\u03a9\n")


def test_an_output_that_takes_nothing_more() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mptcpapi", "doctor"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    assert done.stderr == "error: cannot write the output: No space left on device\n"
    assert done.returncode == 1


def test_an_output_that_is_closed() -> None:
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "mptcpapi", "list"]
    done = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False)

    assert done.stderr == "error: standard output is closed, so there is nowhere to print\n"
    assert done.returncode == 1


def test_the_command_is_installed() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("mptcpapi"), "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.startswith("mptcpapi, version ")
