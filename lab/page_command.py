"""``mptcp-lab report``: pages need the extra ``results``, and seconds to be made."""

from __future__ import annotations

from pathlib import Path

import click

from lab.errors import Unsupported

_FILE = click.Path(path_type=Path)


@click.command(
    epilog="Examples: mptcp-lab report; mptcp-lab report results/20260131T101500.123-open-1f3a92c4 "
    "-o run.html"
)
@click.argument("run", type=_FILE, required=False)
@click.option("-o", "--output", type=_FILE, help="The file to write (default: report.html in the "
              "directory of the run).")  # fmt: skip
def report(run: Path | None, output: Path | None) -> None:
    """Write the page of a run, or of a campaign: one HTML file, which needs nothing else.

    RUN is a path, a name in results/, or the newest there if none is given.
    """
    try:
        from lab.page import command  # noqa: PLC0415 - matplotlib takes most of a second
    except ModuleNotFoundError as missing:
        raise Unsupported(
            f"{missing.name} is missing: install it with pip install 'mptcpapi[results]'"
        ) from missing
    click.echo(command.write(run, output))
