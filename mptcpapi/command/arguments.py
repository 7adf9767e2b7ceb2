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
from mptcpapi.command import output
from mptcpapi.command.numbers import Seconds, Whole
from mptcpapi.discovery import find

ANY = "any"
_NAMED_NAMESPACES = Path("/run/netns")
_NETNS = "mptcpapi.netns"
"""Where click's context has what --netns says."""

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
    if re.fullmatch(r"[0-9a-fA-F]{8}", text):
        return Target(int(text, 16))
    raise click.UsageError(
        f"{text!r}: expected a token, the 8 hexadecimal digits that 'mptcpapi list' prints "
        "(8591ee50), or PID/FD (812/5)",
        ctx,
    )


def _complete_connection(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The tokens there are, with their endpoints."""
    with suppress(OSError):
        _enter_for_completion(ctx)
        return [
            CompletionItem(f"{each.token:08x}", help=output.ends(each.local, each.remote))
            for each in mptcpapi.connections()
            if f"{each.token:08x}".startswith(incomplete.lower())
        ]
    return []


def _complete_subflow(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The ids of the connection's subflows, with their endpoints."""
    target: Target | None = ctx.params.get("target")
    if target is None:  # what stands there is no connection
        return []
    with suppress(OSError):
        _enter_for_completion(ctx)
        with target.borrow() as connection:
            return [
                CompletionItem(str(each.id), help=output.ends(each.local, each.remote))
                for each in mptcpapi.subflows(connection)
                if str(each.id).startswith(incomplete)
            ]
    return []


def _complete_namespace(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The namespaces that have a name."""
    with suppress(OSError):
        names = sorted(each.name for each in _NAMED_NAMESPACES.iterdir())
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return []


def _parse_address(ctx: click.Context, param: click.Parameter, text: str | None) -> str | None:
    """An address as the library takes it; None for 'any'."""
    return None if text == ANY else text


def _enter(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Move this process, which does nothing else, into the namespace.

    While a shell completes, the completion does so: nothing may be said of one that is not there.
    """
    if value is not None:
        is_pid = re.fullmatch("[0-9]+", value)
        ctx.meta[_NETNS] = Path("/proc", value, "ns/net") if is_pid else _NAMED_NAMESPACES / value
        if ctx.meta[_NETNS] == _NAMED_NAMESPACES:
            raise click.BadParameter(
                f"{value!r}: expected a process, or a name that 'ip netns' prints"
            )
        if not ctx.resilient_parsing:
            netns.enter(ctx.meta[_NETNS])


def _enter_for_completion(ctx: click.Context) -> None:
    if (namespace := chosen_namespace(ctx)) is not None:
        netns.enter(namespace)


def chosen_namespace(ctx: click.Context) -> Path | None:
    """What --netns says."""
    namespace: Path | None = ctx.meta.get(_NETNS)
    return namespace


_in_namespace = click.option(
    "--netns", metavar="PID|NAME", callback=_enter, expose_value=False, is_eager=True,
    shell_complete=_complete_namespace,
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
    "subflow", metavar="SUBFLOW", type=Whole(min=0), shell_complete=_complete_subflow
)


def address_argument(name: str, *, required: bool) -> Callable[[Function], Function]:
    """An address."""
    return click.argument(name, required=required, callback=_parse_address)


def seconds_option(
    name: str, *, default: float | None = None, help: str
) -> Callable[[Function], Function]:
    """A time to wait, or to work."""
    return click.option(
        name, type=Seconds(), default=default, show_default=True, metavar="SECONDS", help=help
    )


timeout_option = seconds_option("--timeout", default=10.0, help="How long to wait for it.")
