"""Commands that change nothing: ``list`` and ``show``."""

from __future__ import annotations

import pwd
from collections.abc import Sequence
from typing import Any

import click

import mptcpapi
from mptcpapi import Connection, Endpoint, MptcpInfo, Subflow, SubflowDetails, TcpInfo
from mptcpapi.command import output
from mptcpapi.command.arguments import Target, connection_argument, examples, shared
from mptcpapi.command.numbers import Whole
from mptcpapi.info import read_names

SUBFLOW_COLUMNS = ("id", "local", "remote", "state", "priority")
SUBFLOW_BLOCK = (("id", "state", "priority"), ("local", "remote"))
_FIGURES = ("rtt", "cwnd", "delivery", "sent", "repeated", "received")
_FIGURES_BLOCK = ((*SUBFLOW_BLOCK[0], *_FIGURES[:2]), SUBFLOW_BLOCK[1], _FIGURES[2:])
_CONNECTIONS = ("token", "state", "local", "remote", "subflows", "owner", "path manager")
_CONNECTIONS_BLOCK = (("token", "state", "subflows", "path manager"), ("local", "remote", "owner"))


@click.command("list", epilog=examples("mptcpapi list --json"))
@shared
def list_connections(as_json: bool) -> None:
    """All MPTCP connections of this network namespace."""
    found = mptcpapi.connections()
    if as_json:
        output.show_json({"connections": [_connection_json(each) for each in found]})
    elif found:
        output.show_table(_CONNECTIONS, map(_row, found), _CONNECTIONS_BLOCK)
    else:
        click.echo("no MPTCP connections in this network namespace", err=True)


def _connection_json(connection: Connection) -> dict[str, Any]:
    """Without what belongs to ``show``."""
    found: dict[str, Any] = output.plain(connection)
    del found["info"], found["inode"]
    return found | {"subflows": connection.subflows}


def _row(connection: Connection) -> Sequence[object]:
    return (
        f"{connection.token:08x}",
        "TCP" if connection.fallback else connection.state,
        connection.local,
        connection.remote,
        connection.subflows,
        _whose(connection),
        connection.path_manager,
    )


def _whose(connection: Connection) -> str:
    """Its processes; the user, where these are not to be seen."""
    found = ", ".join(f"{pid}/{fd} {program}" for pid, fd, program in connection.owners)
    if found:
        return found
    if not connection.inode:
        return "closed by its application"
    try:
        return f"user {pwd.getpwuid(connection.uid).pw_name}"
    except KeyError:
        return f"user {connection.uid}"


@click.command(
    epilog=examples(
        "mptcpapi show 8591ee50",
        "mptcpapi show --pid 812 --fd 5 --json",
    )
)
@connection_argument(required=False)
@click.option("--pid", type=Whole(min=1), help="The process that has the connection.")
@click.option("--fd", type=Whole(min=0), help="Its descriptor for it.")
@shared
def show(target: Target | None, pid: int | None, fd: int | None, as_json: bool) -> None:
    """One connection: its figures and its subflows."""
    with _meant(target, pid, fd).borrow() as connection:
        info = mptcpapi.mptcp_info(connection)
        names = read_names(connection.fileno())
        subflows = mptcpapi.subflow_details(connection)
        figures = [_figures(connection, subflow) for subflow in subflows]
        manager = _path_manager(connection)
    if as_json:
        output.show_json(
            {
                "token": info.token,
                "local": names[0],
                "remote": names[1],
                "path_manager": manager,
                "mptcp_info": info,
                "subflows": [
                    output.plain(subflow) | {"tcp_info": each}
                    for subflow, each in zip(subflows, figures, strict=True)
                ],
            }
        )
        return
    output.show_pairs(_summary(info, names, manager))
    click.echo()
    rows = [
        (*subflow_row(subflow), *_figure_row(each))
        for subflow, each in zip(subflows, figures, strict=True)
    ]
    output.show_table((*SUBFLOW_COLUMNS, *_FIGURES), rows, _FIGURES_BLOCK)


def _meant(target: Target | None, pid: int | None, fd: int | None) -> Target:
    if target is not None and pid is None and fd is None:
        return target
    if target is None and pid is not None and fd is not None:
        return Target(None, pid, fd)
    raise click.UsageError("expected a CONNECTION, or --pid and --fd")


def _figures(connection: mptcpapi.Borrowed, subflow: Subflow) -> TcpInfo | None:
    """``None``: it was closed a moment ago."""
    try:
        return mptcpapi.tcp_info(connection, subflow)
    except mptcpapi.NoSuchSubflow:
        return None


def _path_manager(connection: mptcpapi.Borrowed) -> str | None:
    """``None``: only CAP_NET_ADMIN is told."""
    try:
        return mptcpapi.path_manager(connection)
    except mptcpapi.MptcpError:
        return None


def _summary(
    info: MptcpInfo, names: tuple[Endpoint, Endpoint], manager: str | None
) -> list[tuple[str, object]]:
    times = (info.last_data_sent, info.last_data_recv, info.last_ack_recv)
    since = [output.duration(time) or "-" for time in times]
    return [
        ("connection", f"{info.token:08x}"),
        ("local", names[0]),
        ("remote", names[1]),
        ("path manager", manager),
        ("sent", output.size(info.bytes_sent)),
        ("acknowledged", output.size(info.bytes_acked)),
        ("repeated", output.size(info.bytes_retrans)),
        ("received", output.size(info.bytes_received)),
        ("idle", "sent {}, received {}, acknowledged {}".format(*since)),
        ("addresses", f"{info.add_addr_signal} announced, {info.add_addr_accepted} accepted"),
        ("checksums", "on" if info.csum_enabled else "off"),
    ]


def subflow_row(subflow: SubflowDetails) -> tuple[object, ...]:
    """The cells for SUBFLOW_COLUMNS."""
    priorities = {"backup": subflow.backup, "backup of the peer": subflow.remote_backup}
    known = ", ".join(name for name, is_so in priorities.items() if is_so)
    unknown = None if subflow.backup is None else "normal"
    return subflow.id, subflow.local, subflow.remote, subflow.state, known or unknown


def _figure_row(info: TcpInfo | None) -> tuple[object, ...]:
    if info is None:
        return (None,) * len(_FIGURES)
    return (
        output.duration(info.rtt),
        info.snd_cwnd,
        output.size(info.delivery_rate, "bit/s"),
        output.size(info.bytes_sent),
        output.size(info.bytes_retrans),
        output.size(info.bytes_received),
    )
