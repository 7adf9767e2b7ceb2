"""``mptcp-lab compare``; it needs the extra ``columns``."""

from __future__ import annotations

import json
import sys

import click

from lab.errors import Unsupported

REGRESSION = 3
"""Status of ``compare --fail-on-regression`` if something is worse."""

UNJUDGED = 4
"""Its status if too little was repeated to tell."""


@click.command(
    epilog="""\b
Examples:
  mptcp-lab compare results/before results/after
  mptcp-lab compare 'results:*bulk*,backup=false' 'results:*bulk*,backup=true'
"""
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.option("--fail-on-regression", "percent", type=click.FloatRange(0), metavar="PERCENT",
              help="End with status 3 if fewer runs of a scenario pass, or a figure is worse by "
              "more than this and than repetition explains; with 4 if that cannot be told.",
              )  # fmt: skip
def compare(first: str, second: str, as_json: bool, percent: float | None) -> None:
    """Compare B with A: each a run, a store, a campaign, or STORE:SCENARIO,NAME=VALUE,...

    Repetitions of a scenario with the same parameters are one group. In SCENARIO, * stands for
    anything. The status is 0, whatever differs, unless --fail-on-regression asks for another.
    """
    try:
        from lab.comparison.compared import compare
        from lab.comparison.selection import selected
        from lab.comparison.words import as_dict, lines
    except ModuleNotFoundError as missing:
        raise _not_installed(missing) from missing
    compared = compare(selected(first), selected(second))
    click.echo(json.dumps(as_dict(compared), indent=2) if as_json else "\n".join(lines(compared)))
    if percent is None:
        return
    for status, found in (
        (REGRESSION, compared.regressions(percent)),
        (UNJUDGED, compared.unjudged() if compared.groups else ["nothing is in both"]),
    ):
        if found:
            word = "worse" if status == REGRESSION else "not judged"
            click.echo("\n".join(f"{word}: {each}" for each in found), err=True)
            sys.exit(status)


def _not_installed(missing: ModuleNotFoundError) -> Unsupported:
    return Unsupported(
        f"{missing.name} is missing: install it with pip install 'mptcpapi[columns]'"
    )
