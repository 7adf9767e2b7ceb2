"""``run``: a program written for the old MPTCP socket API, as it is."""

from __future__ import annotations

import pwd
import shutil
from errno import ENOENT

import click
from click.shell_completion import CompletionItem

import mptcpapi
from mptcpapi.command.arguments import examples

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126


def _parse_user(
    ctx: click.Context, param: click.Parameter, name: str | None
) -> pwd.struct_passwd | None:
    """The user of that name."""
    if name is None:
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise click.UsageError(f"{name!r}: this machine has no such user", ctx) from None


def _complete_user(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return [
        CompletionItem(user.pw_name)
        for user in pwd.getpwall()
        if user.pw_name.startswith(incomplete)
    ]


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "mptcpapi run -- ./client multipath-tcp.org",
        "mptcpapi run --user nobody --trace -- ruby client.rb",
    ),
)
@click.option("--no-upgrade", is_flag=True, help="Leave TCP sockets TCP; only answer options.")
@click.option(
    "--user",
    metavar="NAME",
    callback=_parse_user,
    shell_complete=_complete_user,
    help="Run it as this user.",
)
@click.option("--trace", is_flag=True, help="Write each call that is answered to standard error.")
@click.argument(
    "command", metavar="PROGRAM [ARG]...", nargs=-1, required=True, type=click.UNPROCESSED
)
def run(
    no_upgrade: bool, user: pwd.struct_passwd | None, trace: bool, command: tuple[str, ...]
) -> int:
    """Run a program that was written for the old MPTCP socket API.

    Its TCP sockets become MPTCP ones, and the options 66 to 72 at IPPROTO_TCP of
    draft-hesmans-mptcp-socket are answered. The exit status is the program's; 127 if there is none.
    """
    from mptcpapi.run.starting import become  # noqa: PLC0415 - threads and all that: for this only

    if not no_upgrade:
        _warn_if_unavailable()
    try:
        become(command, upgrade=not no_upgrade, trace=trace, user=user)
    except mptcpapi.MptcpError:
        raise
    except OSError as failed:
        name = command[0] or repr("")
        click.echo(f"error: cannot run {name}: {_reason(command[0], failed)}", err=True)
        return _NOT_FOUND if failed.errno == ENOENT else _NOT_EXECUTABLE


def _reason(program: str, failure: OSError) -> str | None:
    if failure.errno == ENOENT and shutil.which(program):
        return "its interpreter is missing: what its first line names, or an ELF file's loader"
    return failure.strerror


def _warn_if_unavailable() -> None:
    try:
        mptcpapi.Socket().close()
    except mptcpapi.Unavailable as missing:
        click.echo(f"warning: the program gets TCP: {missing.strerror}", err=True)
