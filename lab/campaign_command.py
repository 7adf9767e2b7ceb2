"""``mptcp-lab campaign``; it needs the extra ``results``."""

from __future__ import annotations

import errno
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.errors import LabError, Unsupported

if TYPE_CHECKING:
    from lab.campaign.run import Ended, Prepared

_INTERRUPTED = 130


@click.command(epilog="Example: mptcp-lab campaign examples/backup.yaml --dry-run")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--directory", type=click.Path(path_type=Path),
    help="Where its runs are kept (default: below campaigns/, by the plan's name).",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print what would be run, in which order.")
@click.option(
    "--slots", type=click.IntRange(1),
    help="Runs at the same time here (default: the plan's, or one a processor).",
)  # fmt: skip
@click.option("--scheduler", metavar="tcp://HOST:PORT",
              help="Let the workers of this scheduler of Dask make the runs.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def campaign(
    plan: Path, directory: Path | None, dry_run: bool, slots: int | None, scheduler: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Run scenarios with many parameters, many times, in random order, as a PLAN says.

    The same command goes on where a campaign was interrupted. The status is 0 if every point has
    passed or was skipped, 1 if one failed or stayed invalid, and 130 if it was interrupted.
    """
    _require_installed()
    from lab.campaign import run  # noqa: PLC0415 - pydantic and rich take a while

    prepared = run.prepare(plan, slots)
    directory = directory or Path("campaigns") / prepared.checked.plan.name
    if dry_run:
        _print_points(prepared, directory, as_json)
        return
    try:
        ended = run.execute(prepared, directory, scheduler)
    except OSError as problem:
        raise LabError(_cannot_be_kept(problem, directory)) from problem
    _print_end(ended, prepared, directory, as_json)


def _require_installed() -> None:
    try:
        import distributed  # noqa: F401, PLC0415
    except ModuleNotFoundError as missing:
        raise Unsupported(
            f"{missing.name} is missing: install it with pip install 'mptcpapi[results]'"
        ) from missing


def _cannot_be_kept(problem: OSError, directory: Path) -> str:
    room = "make room, then " if problem.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return (
        f"{problem.filename or directory}: {problem.strerror}. What has ended until now is kept; "
        f"{room}go on with: {_again()}"
    )


def _again() -> str:
    """This same command, to be pasted."""
    return shlex.join(["mptcp-lab", *sys.argv[1:]])


def _print_points(prepared: Prepared, directory: Path, as_json: bool) -> None:
    from lab.campaign import estimate  # noqa: PLC0415

    points, plan = prepared.points, prepared.checked.plan
    takes = estimate.sentence(
        points, [directory / "runs", Path("results")], prepared.slots, plan.deadline
    )
    if as_json:
        order = [point.as_dict() for point in points]
        click.echo(json.dumps({"slots": prepared.slots, "takes": takes, "order": order}, indent=2))
        return
    for number, point in enumerate(points, 1):
        click.echo(f"{number:>{len(str(len(points)))}} {point.key}")
    combinations = len({point.name for point in points})
    click.echo(
        f"{combinations} combinations x {plan.repetitions} = {len(points)} points, "
        f"{prepared.slots} at the same time: {takes}. They would be kept in {directory}."
    )


def _page(directory: Path) -> str | None:
    """Write the page; one that cannot be written takes nothing from what the campaign found."""
    from lab.page.command import write  # noqa: PLC0415 - matplotlib takes most of a second

    try:
        return str(write(directory, None))
    except LabError as problem:
        click.echo(f"warning: no page: {problem}", err=True)
        return None


def _print_end(ended: Ended, prepared: Prepared, directory: Path, as_json: bool) -> None:
    from rich.console import Console  # noqa: PLC0415

    from lab.campaign.ending import table  # noqa: PLC0415

    page = _page(directory)
    if as_json:
        told = {
            "directory": str(directory),
            "page": page,
            "complete": ended.complete,
            "points": ended.standing.total,
            "verdicts": ended.standing.verdicts,
            "rows": [row.as_dict() for row in ended.rows],
        }
        click.echo(json.dumps(told, indent=2))
    else:
        Console().print(table(ended.rows, prepared.checked.plan.question))
        click.echo(f"{ended.standing.counts()}; kept in {directory}")
        if page:
            click.echo(f"The answer, with figures: {page}")
    if not ended.complete:
        click.echo(f"Interrupted. Go on with: {_again()}", err=True)
        sys.exit(_INTERRUPTED)
    sys.exit(0 if ended.standing.good else 1)
