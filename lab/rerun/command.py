"""``mptcp-lab rerun``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from lab.errors import Unsupported

OTHERWISE = 3
"""Status if verdict or checks are not those of the run."""

REFUSED = 4
"""Status of ``--strict`` if something differs before it starts."""

_PATH = click.Path(path_type=Path)


@click.command(epilog="Example: mptcp-lab rerun results/20260131T101500.123-open-1f3a92c4")
@click.argument("run", type=_PATH)
@click.option("--project", type=_PATH, default=Path(), help="The directory in which pytest finds "
              "the scenario (default: the present one).")  # fmt: skip
@click.option("--results", type=_PATH, default=Path("results"), show_default=True,
              help="Where the new run is kept.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Do not start if anything differs that is known.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
def rerun(run: Path, project: Path, results: Path, strict: bool, as_json: bool) -> None:
    """Run a run's scenario again, with its topology, parameters, seed and options, and compare.

    What differs from then (kernel, commit, packages, settings) is told before it starts. The status
    is 0 if verdict and checks are the same, 3 if not, and 4 if --strict refuses to start.
    """
    try:
        from lab.rerun import again, surroundings, words
    except ModuleNotFoundError as missing:
        raise Unsupported(
            f"{missing.name} is missing: install it with pip install 'mptcpapi[columns]'"
        ) from missing
    from lab.rerun.plan import plan
    from lab.result import find_run
    from lab.result import open as open_run

    planned = plan(open_run(find_run(run)), project)
    differing = surroundings.compared(planned)
    click.echo("\n".join(words.surroundings(differing)), err=as_json)
    if differing and strict:
        click.echo("error: not started: --strict asks for the same surroundings", err=True)
        sys.exit(REFUSED)
    click.echo(f"running {planned.original.scenario}", err=as_json)
    found = again.run(planned, results)
    if as_json:
        click.echo(json.dumps(words.as_dict(found, differing), indent=2))
    else:
        click.echo("\n".join(words.outcome(found, differing)))
    sys.exit(0 if found.same else OTHERWISE)
