"""The commands of ``mptcp-lab`` for kept runs: list, show, export, gc."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from lab.errors import UsageError
from lab.run import Verdict

if TYPE_CHECKING:
    from lab.result import Result

_PATH = click.Path(path_type=Path)

_HERE = Path("results")

_SHOWN = 50
"""Runs in a table, if nothing else is said."""

_verdicts = click.option(
    "--verdict", "verdicts", type=click.Choice([str(each) for each in Verdict]), multiple=True,
    help="Only runs that ended so; can be repeated.",
)  # fmt: skip


def _complete(_: object, __: object, incomplete: str) -> list[CompletionItem]:
    """Names in results/ and the ends of them; else paths."""
    from lab.result.store import directories

    names = [each.name for each in directories(_HERE)] if _HERE.is_dir() else []
    known = [*names, *(name.rpartition("-")[2] for name in names)]
    found = [CompletionItem(name) for name in known if incomplete and name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


@click.command("list", epilog="Example: mptcp-lab list --verdict failed --scenario 'test_joins*'")
@click.argument("stores", nargs=-1, type=_PATH)
@_verdicts
@click.option("--scenario", metavar="GLOB", help="Only runs with this in the scenario's id.")
@click.option("--last", type=click.IntRange(0), metavar="N",
              help=f"Only the newest N; 0: all (default: {_SHOWN}, and all as JSON).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_runs(
    stores: tuple[Path, ...],
    verdicts: tuple[str, ...],
    scenario: str | None,
    last: int | None,
    as_json: bool,
) -> None:
    """List the runs in STORES (directories of runs; default: results), the newest last."""
    from lab.result import listing

    last = (0 if as_json else _SHOWN) if last is None else last
    chosen = listing.Chosen(tuple(map(Verdict, verdicts)), scenario, last)
    found = listing.newest(stores or (_HERE,), chosen, _warn)
    if as_json:
        click.echo(json.dumps([listing.summary(result) for result in found], indent=2))
    else:
        _print_list(found)
        if last and len(found) == last:
            click.echo(f"The newest {last}: --last 0 lists all.")


def _warn(problem: str) -> None:
    click.echo(f"warning: {problem}", err=True)


def _print_list(found: Sequence[Result]) -> None:
    from rich.console import Console
    from rich.table import Table

    from lab.report import add_row

    if not found:
        click.echo("no runs")
        return
    table = Table("started (UTC)", "verdict", "s", "Mbit/s", "scenario", "run")
    for column in table.columns[2:4]:
        column.justify = "right"
    table.columns[4].overflow = "fold"  # nothing of a name is left out
    for result in found:
        add_row(table, *_cells(result))
    Console().print(table)


def _cells(result: Result) -> tuple[str, ...]:
    from lab.result import listing

    seconds = listing.seconds(result)
    goodput = result.figures.get("goodput", {}).get("value")
    changed = [*listing.words(result.parameters), *listing.words(result.overrides)]
    return (
        str(result.manifest.get("started"))[:19].replace("T", " "),
        str(result.verdict),
        "" if seconds is None else f"{seconds:.1f}",
        "" if goodput is None else f"{goodput / 1e6:.2f}",
        "\n".join([result.scenario.rpartition("::")[2], *changed]),
        result.directory.name.rpartition("-")[2],
    )


@click.command(epilog="Examples: mptcp-lab show; mptcp-lab show 1f3a92c4; mptcp-lab show DIR/RUN")
@click.argument("run", type=_PATH, required=False, shell_complete=_complete)
@click.option("--json", "as_json", is_flag=True, help="Print manifest and records as JSON.")
def show(run: Path | None, as_json: bool) -> None:
    """Print a run: a path, a name in results/ or the end of one, or the newest there."""
    from rich.console import Console

    from lab import result
    from lab.report import tables

    kept = result.open(result.find_run(run))
    if as_json:
        both = {"manifest": kept.manifest, "records": kept.records}
        click.echo(json.dumps(both, indent=2))
        return
    for part in tables(kept):
        Console().print(part, markup=False, highlight=False, soft_wrap=isinstance(part, str))


@click.command(epilog="Examples: mptcp-lab export 1f3a92c4 --zip run.zip; "
               "mptcp-lab export results/* --table figures --csv figures.csv")  # fmt: skip
@click.argument("runs", nargs=-1, type=_PATH, required=True, shell_complete=_complete)
@click.option("--table", "kind", type=click.Choice(["figures", "metrics", "events", "calls"]),
              default="metrics", show_default=True,
              help="What to write as CSV or Parquet.")  # fmt: skip
@click.option("--csv", type=_PATH, help="Write the table to a CSV file.")
@click.option("--parquet", type=_PATH, help="Write the table to a Parquet file.")
@click.option("--zip", "zipped", type=_PATH, help="Write whole runs to a zip archive.")
@click.option(
    "--tar", "tarred", type=_PATH, help="Write whole runs to a tar archive, compressed by gzip."
)
def export(runs: tuple[Path, ...], kind: str, **outputs: Path | None) -> None:
    """Write RUNS (paths, names in results/, or ends of them) to a file.

    An archive has SHA256SUMS; unpacked anywhere, its runs are shown by mptcp-lab show PATH.
    """
    from lab.result import exporting

    asked = {name: path for name, path in outputs.items() if path}
    if len(asked) != 1:
        raise click.UsageError("name one file: --csv, --parquet, --zip or --tar")
    ((name, path),) = asked.items()
    kept = _readable(runs)
    if name in ("csv", "parquet"):
        from lab.columns.export import write

        rows = write(path, name, [exporting.table(kept, kind)])
        click.echo(f"{path}: {rows} rows of {len(kept)} runs")
        return
    {"zipped": exporting.zipped, "tarred": exporting.tarred}[name](kept, path)
    click.echo(f"{path}: {len(kept)} runs, {path.stat().st_size / 1e6:.1f} MB")


def _readable(runs: Sequence[Path]) -> list[Result]:
    """The runs; what is none is told, for shells expand ``results/*`` to more than runs."""
    from lab import result

    kept = []
    for run in runs:
        try:
            kept.append(result.open(result.find_run(run)))
        except UsageError as problem:
            _warn(str(problem))
    if not kept:
        raise UsageError("nothing to export")
    return kept


@click.command(epilog="Examples: mptcp-lab gc --older-than '30 days' --verdict passed --dry-run; "
               "mptcp-lab gc /elsewhere --keep-last 100 --yes")  # fmt: skip
@click.argument("store", type=_PATH, default=_HERE)
@click.option("--keep-last", type=click.IntRange(1), metavar="N",
              help="Keep the newest N of the runs that the other options select.")  # fmt: skip
@click.option("--older-than", metavar="AGE", help='Only runs that began before, as "30 days" ago.')
@_verdicts
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def gc(
    store: Path,
    keep_last: int | None,
    older_than: str | None,
    verdicts: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove runs from STORE (default: results): those that all options select.

    What is no run is never removed, nor is a run that goes on.
    """
    from lab import result
    from lab.result import removing

    if not (keep_last or older_than or verdicts):
        raise UsageError("say which runs may go: --keep-last, --older-than or --verdict")
    age = removing.age(older_than) if older_than else None
    rule = removing.Rule(tuple(map(Verdict, verdicts)), age, keep_last or 0)
    if not dry_run:
        removing.finish(store)
    going = [
        each
        for each in rule.of(result.runs(store, damaged=_warn), removing.now())
        if not removing.goes_on(each)
    ]
    freed = {each.directory: removing.size(each) for each in going}
    for directory, size in freed.items():
        click.echo(f"{directory}  {size / 1e6:.1f} MB")
    summed = f"{len(going)} runs, {sum(freed.values()) / 1e6:.1f} MB"
    if dry_run or not going:
        click.echo(f"{summed} would be removed" if going else "nothing to remove")
        return
    if not yes:
        click.confirm(f"Remove {summed}?", abort=True)
    removed = [each for each in going if removing.remove(each)]
    size = sum(freed[each.directory] for each in removed)
    click.echo(f"{len(removed)} runs removed, {size / 1e6:.1f} MB freed")


COMMANDS = (list_runs, show, export, gc)
