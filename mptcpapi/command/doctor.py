"""``doctor``: what works here, and what to do about what does not."""

from __future__ import annotations

from collections.abc import Iterable

import click

from mptcpapi.command import output
from mptcpapi.command.arguments import examples, shared
from mptcpapi.command.checks import Check, checks

_MARKS = {True: "ok", False: "no", None: "-"}


@click.command(epilog=examples("mptcpapi doctor"))
@shared
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """What works here, and how to get the rest.

    Each thing is tried. The exit status is 1 if no MPTCP sockets can be made here.
    """
    found = tuple(checks())
    usable = found[0].ok is True
    if as_json:
        output.show_json({"usable": usable, "checks": found})
    else:
        rows = [(_MARKS[each.ok], each.name, each.found) for each in found]
        output.show_table(("works", "what", "found"), rows)
        for remedy, names in _remedies(found):
            click.echo("\n" + ", ".join(names))
            click.echo(click.wrap_text(remedy, 78, "  ", "  "))
    ctx.exit(0 if usable else 1)


def _remedies(found: Iterable[Check]) -> Iterable[tuple[str, list[str]]]:
    """What to do, and about what."""
    remedies: dict[str, list[str]] = {}
    for each in found:
        if each.remedy:
            remedies.setdefault(each.remedy, []).append(each.name)
    return remedies.items()
