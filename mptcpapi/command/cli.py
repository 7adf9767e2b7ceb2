"""The commands of ``mptcpapi``, and how they end."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

import click

import mptcpapi
from mptcpapi.command import doctor, looking, monitor, running, steering
from mptcpapi.command.start import INTERRUPTED

_EPILOG = """\b
CONNECTION is its token, the 8 hexadecimal digits that 'mptcpapi list' and 'ip
mptcp monitor' print, or PID/FD: descriptor FD of process PID.
SUBFLOW is its id, as 'mptcpapi show' prints it.
\b
Examples:
  mptcpapi list
  mptcpapi open 8591ee50 10.0.2.1 --backup
  mptcpapi show 812/5 --json
\b
Completion, in ~/.bashrc (zsh and fish: put zsh_source, fish_source):
  eval "$(_MPTCPAPI_COMPLETE=bash_source mptcpapi)"
"""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mptcpapi")
def commands() -> None:
    """See and control the Multipath TCP connections of other processes."""


for command in (
    looking.list_connections,
    looking.show,
    steering.open_one,
    steering.close,
    steering.backup,
    steering.option,
    steering.announce,
    monitor.monitor,
    running.run,
    doctor.doctor,
):
    commands.add_command(command)


def _show_mistake(mistake: click.UsageError) -> int:
    """What is wrong with the command line; without any, the help."""
    if len(sys.argv) == 1:
        mistake.show()
    else:
        path = mistake.ctx.command_path if mistake.ctx else commands.name
        click.echo(f"error: {mistake.format_message()} ({path} --help)", err=True)
    return mistake.exit_code


def run() -> int:
    """Run what the command line says, and return the exit status.

    If whoever reads the output has had enough, as head(1) does, click ends quietly with status 1.
    """
    if sys.stdout is None:
        click.echo("error: standard output is closed, so there is nowhere to print", err=True)
        return 1
    if isinstance(sys.stdout, TextIOWrapper):  # the name of a program may be what no locale has
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return commands.main(prog_name="mptcpapi", standalone_mode=False) or 0
    except click.UsageError as mistake:
        return _show_mistake(mistake)
    except click.Abort:
        return INTERRUPTED
    except mptcpapi.MptcpError as error:
        click.echo(f"error: {error.strerror}", err=True)
    except OSError as error:
        click.echo(f"error: cannot write the output: {error.strerror}", err=True)
        _drop_output()
    return 1


def _drop_output() -> None:
    """Let what is not written yet go nowhere: Python would try again at its end, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
