"""``mptcp-lab doctor``: what is found, for people and as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.markup import escape

from lab import doctor
from lab.build import Network
from lab.doctor import declared
from lab.doctor.finding import Command, Finding
from lab.errors import Unsupported, UsageError
from lab.model import Topology


class Examined(NamedTuple):
    """What was found about one connection."""

    title: str
    found: Sequence[Finding]


def of_topology(topology: Topology, ends: tuple[str | None, str | None]) -> list[Examined]:
    """Build the network, and examine connections between its hosts: all, or the one named.

    Where it cannot be built here, the reason is found, and what follows from the topology alone.
    """
    pairs = _pairs(topology, *ends)
    try:
        with Network(topology) as network:
            examined = [(pair, doctor.examine(network, *pair)) for pair in pairs]
    except Unsupported as lacking:
        unbuilt = Finding("unsupported", "", f"the network cannot be built here: {lacking}")
        examined = [(pair, [unbuilt, *declared.examine(topology, *pair)]) for pair in pairs]
    return _told_once(
        [Examined(" to ".join(pair), _as_asked(topology, found)) for pair, found in examined]
    )


def _told_once(examined: Sequence[Examined]) -> list[Examined]:
    """Remarks are about hosts: each is told with the first connection that it bears on."""
    told: set[Finding] = set()
    kept = []
    for title, found in examined:
        kept.append(Examined(title, [each for each in found if each.stops or each not in told]))
        told.update(found)
    return kept


def _pairs(topology: Topology, one: str | None, other: str | None) -> list[tuple[str, str]]:
    """From hosts with several addresses, or if none has, from the first, to all others."""
    for name in (one, other):
        if name is not None and name not in topology.hosts:
            known = ", ".join(topology.hosts)
            raise UsageError(f"topology '{topology.name}' has no host '{name}' (known: {known})")
    several = [host for host in topology.hosts if _several(topology, host)]
    starts = [one] if one else several or list(topology.hosts)[:1]
    targets = [other] if other else list(topology.hosts)
    return [(start, target) for start in starts for target in targets if start != target]


def _several(topology: Topology, host: str) -> bool:
    versions = [address.version for address in topology.addresses_of(host)]
    return any(versions.count(version) > 1 for version in versions)


def _as_asked(topology: Topology, found: Sequence[Finding]) -> list[Finding]:
    """A path manager that the file itself asks for is as it should be."""
    return [
        replace(each, stops=False)
        if each.cause == "path_manager" and topology.hosts[each.host].path_manager
        else each
        for each in found
    ]


def of_this_machine(to: str | None) -> list[Examined]:
    """Examine this machine, for connections to an address, or to any."""
    try:
        address = ip_address(to) if to else None
    except ValueError:
        raise UsageError(f"{to!r} is not an address such as 192.0.2.1 or 2001:db8::1") from None
    title = f"this machine to {to}" if to else "this machine"
    return [Examined(title, doctor.examine_here(address))]


def show(examined: Sequence[Examined], file: Path | None, *, as_json: bool) -> int:
    """Print what was found; the exit status is 1 if something stops subflows."""
    prefixes = {host: _prefix(host) for each in examined for host in _hosts(each.found)}
    if as_json:
        click.echo(json.dumps([_plain(each, prefixes) for each in examined], indent=2))
    else:
        _print(examined, file, prefixes)
    return int(any(finding.stops for each in examined for finding in each.found))


def _hosts(found: Sequence[Finding]) -> set[str]:
    return {each.host for each in found}


def _prefix(host: str) -> Command:
    """What comes before a command: the node, at Mininet's prompt; or what root's rights take."""
    if host:
        return (host,)
    return () if os.geteuid() == 0 else ("sudo",)


def _plain(examined: Examined, prefixes: dict[str, Command]) -> dict[str, object]:
    found = [
        {**asdict(each), "commands": each.lines(prefixes[each.host])} for each in examined.found
    ]
    return {"examined": examined.title, "findings": found}


def _print(examined: Sequence[Examined], file: Path | None, prefixes: dict[str, Command]) -> None:
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    for title, found in examined:
        stopping = sum(each.stops for each in found)
        colour = "red" if stopping else "green"
        verdict = f"{stopping} found" if stopping else "nothing stops a subflow"
        console.print(f"[bold]{escape(title)}[/]: [{colour}]{verdict}[/]")
        for each in found:
            _print_one(console, each, prefixes[each.host])
    if file and any(each.commands for _, found in examined for each in found):
        click.echo(f"Commands are for Mininet's prompt: mptcp-lab up {file} --cli")


def _print_one(console: Console, finding: Finding, prefix: Command) -> None:
    kind = f"[red]{finding.cause}[/]" if finding.stops else f"[yellow]{finding.cause}[/] (remark)"
    where = f"{escape(finding.host)}: " if finding.host else ""
    console.print(f"  {kind} {where}{escape(finding.what)}")
    if finding.advice:
        console.print(f"    {escape(finding.advice)}")
    for line in finding.lines(prefix):
        click.echo(f"        {line}")
