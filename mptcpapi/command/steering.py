"""Commands that change a connection: ``open``, ``close``, ``backup``, ``option``, ``announce``."""

from __future__ import annotations

import os
from contextlib import suppress
from difflib import get_close_matches

import click
from click.shell_completion import CompletionItem

import mptcpapi
from mptcpapi import SubflowDetails
from mptcpapi.command import output
from mptcpapi.command.arguments import (
    Target,
    address_argument,
    connection_argument,
    examples,
    shared,
    subflow_argument,
    timeout_option,
)
from mptcpapi.command.looking import SUBFLOW_BLOCK, SUBFLOW_COLUMNS, subflow_row
from mptcpapi.command.numbers import Whole, is_plain
from mptcpapi.endpoint import Address, split
from mptcpapi.subflow_options.table import OPTIONS, Kind, Option

_OPTIONS = {option.name: option for option in OPTIONS if option.name != "TCP_INFO"}
"""``show`` has the figures of TCP_INFO."""


def _parse_option(ctx: click.Context, param: click.Parameter, text: str) -> Option:
    """The option of that name, which may be in small letters."""
    if option := _OPTIONS.get(text.upper()):
        return option
    near = ", ".join(get_close_matches(text.upper(), _OPTIONS, 3, cutoff=0.6))
    hint = f": did you mean {near}?" if near else ""
    raise click.UsageError(f"{text!r}: one subflow has no such option{hint}", ctx)


def _complete_option(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names that begin so."""
    return [CompletionItem(name) for name in _OPTIONS if name.startswith(incomplete.upper())]


def _show(subflow: SubflowDetails, as_json: bool) -> None:
    if as_json:
        output.show_json(subflow)
    else:
        output.show_table(SUBFLOW_COLUMNS, [subflow_row(subflow)], SUBFLOW_BLOCK)


@click.command(
    "open",
    epilog=examples(
        "mptcpapi open 8591ee50 10.0.2.1 --backup",
        "mptcpapi open 812/5 any 10.0.9.2:7001 --interface wlan0",
    ),
)
@connection_argument(required=True)
@address_argument("local", required=True)
@address_argument("remote", required=False)
@click.option("--backup", is_flag=True, help="It carries data only while no other one can.")
@click.option("--interface", metavar="IF", help="Bind it to a network interface.")
@timeout_option
@shared
def open_one(
    target: Target,
    local: Address | None,
    remote: Address | None,
    backup: bool,
    interface: str | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Open a subflow from LOCAL to REMOTE.

    It is printed once it is established. LOCAL and REMOTE are HOST, HOST:PORT or [HOST]:PORT. LOCAL
    can be 'any': the routes choose. REMOTE is by default the connection's peer.
    """
    with target.borrow() as connection:
        subflow = mptcpapi.open_subflow(
            connection,
            local,
            remote,
            backup=backup,
            interface=interface,
            timeout=timeout,
        )
    _show(subflow, as_json)


@click.command(epilog=examples("mptcpapi close 8591ee50 2"))
@connection_argument(required=True)
@subflow_argument
@click.option("--abort", is_flag=True, help="With RST, at once, instead of FIN.")
@timeout_option
@shared
def close(target: Target, subflow: int, abort: bool, timeout: float, as_json: bool) -> None:
    """Close a subflow.

    What it had not delivered goes over another one.
    """
    end = mptcpapi.abort_subflow if abort else mptcpapi.close_subflow
    with target.borrow() as connection:
        end(connection, subflow, timeout=timeout)
    if as_json:
        output.show_json({"closed": subflow})
    else:
        click.echo(f"subflow {subflow} is closed")


@click.command(epilog=examples("mptcpapi backup 8591ee50 2 on"))
@connection_argument(required=True)
@subflow_argument
@click.argument("state", metavar="on|off", type=click.Choice(["on", "off"]))
@timeout_option
@shared
def backup(target: Target, subflow: int, state: str, timeout: float, as_json: bool) -> None:
    """Make a subflow backup, or normal again.

    The peer is told (MP_PRIO). A backup subflow carries data only while no other one can.
    """
    with target.borrow() as connection:
        changed = mptcpapi.set_backup(connection, subflow, state == "on", timeout=timeout)
    _show(changed, as_json)


@click.command(
    epilog=f"NAMEs: {', '.join(_OPTIONS)}.\n\n"
    + examples(
        "mptcpapi option 8591ee50 2 TCP_CONGESTION",
        "mptcpapi option 8591ee50 2 IP_TOS 0x28",
    )
)
@connection_argument(required=True)
@subflow_argument
@click.argument("name", callback=_parse_option, shell_complete=_complete_option)
@click.argument("value", required=False)
@shared
def option(target: Target, subflow: int, name: Option, value: str | None, as_json: bool) -> None:
    """Get or set an option of one subflow.

    It is set if there is a VALUE, and printed as it then is. NAME is its name in C (below); VALUE
    is a number (0x... too) or a name.
    """
    encoded = None if value is None else _encode(name, value)
    with target.borrow() as connection:
        if encoded is not None:
            mptcpapi.set_subflow_option(connection, subflow, name.level, name.number, encoded)
        found = _read(connection, subflow, name, value)
    if as_json:
        output.show_json({"subflow": subflow, "name": name.name, "value": found})
    else:
        click.echo(f"{name.name} {found}")


def _encode(option: Option, value: str) -> int | bytes:
    if option.kind is Kind.NAME:
        return os.fsencode(value)
    if is_plain(value):
        with suppress(ValueError):
            return int(value, 0)
    raise click.UsageError(f"{option.name} takes a number, not {value!r}")


def _read(
    connection: mptcpapi.Borrowed, subflow: int, option: Option, value: str | None
) -> int | str:
    """The option as it is; ``value`` is what it was set to, for those that cannot be read."""
    place = connection, subflow, option.level, option.number
    try:
        if option.kind is Kind.NAME:
            name = mptcpapi.get_subflow_option(*place, option.size)
            return name.partition(b"\0")[0].decode(errors="replace")
        return mptcpapi.get_subflow_option(*place)
    except mptcpapi.Unsupported:
        if value is None:
            raise
        return value


def _with_port(address: str, port: int | None) -> Address:
    if port is None:
        return address
    host, meant = split(address, port)
    if meant != port:
        raise click.UsageError(f"{address!r} has a port already: leave out --port {port}")
    return host, port


@click.command(
    epilog=examples(
        "mptcpapi announce 8591ee50 10.0.2.1 --port 7001",
        "mptcpapi announce 8591ee50 --withdraw 3",
    )
)
@connection_argument(required=True)
@click.argument("address", required=False)
@click.option("--port", type=Whole(1, 65535), help="Where it listens; else the peer's.")
@click.option("--id", "number", type=Whole(1, 255), help="Address id; else one is chosen.")
@click.option("--withdraw", type=Whole(0, 255), metavar="ID",
              help="Take the address with this id back instead.")  # fmt: skip
@shared
def announce(
    target: Target,
    address: str | None,
    port: int | None,
    number: int | None,
    withdraw: int | None,
    as_json: bool,
) -> None:
    """Tell the peer of an address.

    ADDRESS is one of this host (ADD_ADDR); --withdraw takes it back (REMOVE_ADDR).
    """
    if (address is None) == (withdraw is None):
        raise click.UsageError("expected an ADDRESS, or --withdraw ID")
    if withdraw is not None and (port is not None or number is not None):
        raise click.UsageError("--withdraw takes neither --port nor --id")
    place = None if address is None else _with_port(address, port)
    with target.borrow() as connection:
        if place is not None:
            done = "announced"
            number = mptcpapi.announce(connection, place, id=number)
        else:
            done, number = "withdrawn", withdraw
            mptcpapi.withdraw(connection, withdraw or 0)
    if as_json:
        output.show_json({done: number})
    else:
        click.echo(f"address id {number} is {done}")
