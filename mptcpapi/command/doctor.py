"""``doctor``: what works here, and what to do about what does not."""

from __future__ import annotations

from collections.abc import Iterable

import click

from mptcpapi.command import output
from mptcpapi.command.arguments import chosen_namespace, examples, shared
from mptcpapi.command.checks import Check, checks
from mptcpapi.command.remedies import Remedies

_MARKS = {True: "ok", False: "no", None: "-"}


@click.command(epilog=examples("mptcpapi doctor"))
@shared
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """What works here, and how to get the rest.

    Each thing is tried. The exit status is 1 if no MPTCP sockets can be made here.
    """
    found = tuple(checks(Remedies(chosen_namespace(ctx))))
    usable = found[0].ok is True
    if as_json:
        output.show_json({"usable": usable, "checks": found})
    else:
        for each in found:
            mark = f"{_MARKS[each.ok]:4}"
            output.show_text(f"{mark}{each.name}: {each.found}", hanging=len(mark))
        for command, remedies in by_command(found).items():
            for remedy, names in remedies.items():
                click.echo()
                output.show_text(f"{', '.join(names)}: {remedy}")
            if command:
                click.echo(f"    {command}")
    ctx.exit(0 if usable else 1)


def by_command(found: Iterable[Check]) -> dict[str, dict[str, list[str]]]:
    """What to type, for which remedies, for which checks: each once."""
    commands: dict[str, dict[str, list[str]]] = {}
    for each in found:
        if each.remedy:
            names = commands.setdefault(each.command, {}).setdefault(each.remedy, [])
            names.append(each.name)
    return commands
