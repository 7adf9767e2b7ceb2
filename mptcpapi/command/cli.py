"""The commands of ``mptcpapi``, and how they end."""

from __future__ import annotations

import click

from mptcpapi.command import doctor, looking, monitor, steering
from mptcpapi.command.start import INTERRUPTED

_EPILOG = """\b
CONNECTION is its token, as 'mptcpapi list', 'ip mptcp monitor' and ss print
it, or PID/FD: descriptor FD of process PID.
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
    doctor.doctor,
):
    commands.add_command(command)


def run() -> int:
    """Run what the command line says, and return the exit status.

    If whoever reads the output has had enough, as head(1) does, click ends quietly with status 1.
    """
    try:
        return commands.main(prog_name="mptcpapi", standalone_mode=False) or 0
    except click.ClickException as mistake:
        mistake.show()
        return mistake.exit_code
    except click.Abort:
        return INTERRUPTED
    except OSError as error:
        click.echo(f"error: {error.strerror or error}", err=True)
        return 1
