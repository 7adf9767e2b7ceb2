"""What the commands take: connections, subflows, addresses, and the options they share."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
from click.shell_completion import CompletionItem

import mptcpapi
from mptcpapi import netns
from mptcpapi.discovery import find

ANY = "any"
_NAMED_NAMESPACES = Path("/run/netns")

Function = TypeVar("Function", bound=Callable[..., Any])


class Target(NamedTuple):
    """The connection that is meant: by its token, or by a process and its descriptor."""

    token: int | None
    pid: int = 0
    fd: int = 0

    def borrow(self) -> mptcpapi.Borrowed:
        """A descriptor for it, for as long as the command needs it."""
        if self.token is not None:
            return mptcpapi.Borrowed.of_token(self.token)
        return mptcpapi.Borrowed.of_process(self.pid, self.fd)

    def find_token(self) -> int:
        """Its token, of a connection that there is."""
        if self.token is not None:
            return find(self.token).token
        with self.borrow() as connection:
            return mptcpapi.token(connection)


def _parse_connection(ctx: click.Context, param: click.Parameter, text: str | None) -> Any:
    """A `Target`, of eight hexadecimal digits or PID/FD."""
    if text is None:
        return None
    if place := re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII):
        return Target(None, int(place[1]), int(place[2]))
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{1,8}", text):
        return Target(int(text, 16))
    raise click.BadParameter(f"{text!r}: expected a token (8591ee50) or PID/FD (812/5)")


def _complete_connection(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The tokens there are, with their endpoints."""
    with suppress(OSError):
        return [
            CompletionItem(f"{each.token:08x}", help=f"{each.local} > {each.remote}")
            for each in mptcpapi.connections()
            if f"{each.token:08x}".startswith(incomplete)
        ]
    return []


def _complete_subflow(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The ids of the connection's subflows, with their endpoints."""
    target: Target | None = ctx.params.get("target")
    if target is None:  # what stands there is no connection
        return []
    with suppress(OSError), target.borrow() as connection:
        return [
            CompletionItem(str(each.id), help=f"{each.local} > {each.remote}")
            for each in mptcpapi.subflows(connection)
            if str(each.id).startswith(incomplete)
        ]
    return []


def _parse_address(ctx: click.Context, param: click.Parameter, text: str | None) -> str | None:
    """An address as the library takes it; None for 'any'."""
    return None if text == ANY else text


def _enter(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Move this process, which does nothing else, into the namespace."""
    if value is None or ctx.resilient_parsing:
        return
    at = Path("/proc", value, "ns/net") if value.isdecimal() else _NAMED_NAMESPACES / value
    netns.enter(at)


_in_namespace = click.option(
    "--netns", metavar="PID|NAME", callback=_enter, expose_value=False, is_eager=True,
    help="In the network namespace of a process, or one that 'ip netns' made.",
)  # fmt: skip
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\n".join(["\b", "Examples:" if lines[1:] else "Example:", *(f"  {x}" for x in lines)])


def shared(command: Function) -> Function:
    """The options of all commands: --netns and --json."""
    return _in_namespace(_as_json(command))


def connection_argument(*, required: bool) -> Callable[[Function], Function]:
    """CONNECTION, as ``target``."""
    return click.argument(
        "target",
        metavar="CONNECTION" if required else "[CONNECTION]",
        required=required,
        callback=_parse_connection,
        shell_complete=_complete_connection,
    )


subflow_argument = click.argument(
    "subflow", metavar="SUBFLOW", type=click.IntRange(min=0), shell_complete=_complete_subflow
)


def address_argument(name: str, *, required: bool) -> Callable[[Function], Function]:
    """An address."""
    return click.argument(name, required=required, callback=_parse_address)


timeout_option = click.option(
    "--timeout", type=float, default=10.0, show_default=True, metavar="SECONDS",
    help="How long to wait for it.",
)  # fmt: skip
