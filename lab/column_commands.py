"""The commands of ``mptcp-lab`` that read captures as columns; they need the extra ``columns``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.errors import InvalidRun, Unsupported
from lab.units import duration

if TYPE_CHECKING:
    from types import ModuleType

_FILE = click.Path(path_type=Path)
_FILES = click.argument("files", nargs=-1, required=True, type=_FILE)


def _outputs(command: Any) -> Any:
    for option in (
        click.option("--csv", type=_FILE, help="Write all rows to a CSV file."),
        click.option("--parquet", type=_FILE, help="Write all rows to a Parquet file."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line."),
        click.option("--limit", type=click.IntRange(0), default=40, show_default=True,
                     help="Print at most so many rows of a file; 0 is all."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command(epilog="Example: mptcp-lab packets server.pcap --table options --csv options.csv")
@_FILES
@click.option("--table", type=click.Choice(["packets", "options"]), default="packets",
              show_default=True, help="Which table to write to a file.")  # fmt: skip
@_outputs
def packets(files: tuple[Path, ...], table: str, **output: Any) -> None:
    """List the TCP packets of captures, and what their MPTCP options mean."""
    reports = _reports()
    reports.packets(files, table, reports.Output(**output))


@click.command(epilog='Example: mptcp-lab series client.pcap --every "100 ms"')
@_FILES
@click.option("--every", metavar="DURATION", help="Figures of each such step of time.")
@click.option("--table", type=click.Choice(["subflows", "mappings", "handovers"]),
              default="subflows", show_default=True, help="Which table to show.")  # fmt: skip
@_outputs
def series(files: tuple[Path, ...], every: str | None, table: str, **output: Any) -> None:
    """Show what each subflow carried: goodput, reinjections, data out of order, RTT, hand-overs.

    Connections and subflows are numbered from 1 on, in the order of their first packets.
    """
    reports = _reports()
    seconds = duration(every) if every else None
    reports.figures(files, table, seconds, reports.Output(**output))


@click.command(epilog="Example: mptcp-lab annotate server.pcap server.pcapng")
@click.argument("file", type=_FILE)
@click.argument("out", type=_FILE)
@click.option("--with", "others", type=_FILE, multiple=True,
              help="Judge it together with this capture of the same connections.")  # fmt: skip
@click.option("--words-only", is_flag=True,
              help="Do not verify it: for captures of millions of packets.")  # fmt: skip
def annotate(file: Path, out: Path, others: tuple[Path, ...], words_only: bool) -> None:
    """Copy a capture to OUT, as pcapng with comments: what each MPTCP option means, and what
    `mptcp-lab verify` finds about each packet, and about the capture.
    """
    reports = _reports()
    packets, about = ({}, []) if words_only else _remarks(file, others)
    reports.annotate(file, out, packets, about)


def _remarks(file: Path, others: tuple[Path, ...]) -> tuple[dict[int, list[str]], list[str]]:
    """Verify a capture with others: lines about its packets, by their numbers, and about it."""
    from lab.verify import remarks, verify  # noqa: PLC0415 - Scapy takes most of a second
    from lab.wire.reading import read  # noqa: PLC0415

    beside = [read(other) for other in others]
    try:
        capture = read(file)
    except InvalidRun as problem:
        click.echo(f"warning: not verified: {problem}", err=True)
        return {}, [f"not verified: {problem}"]
    return remarks(verify([capture, *beside]), str(file))


COMMANDS = (packets, series, annotate)


def _reports() -> ModuleType:
    """Import what is large, and may be missing."""
    try:
        import pyarrow  # noqa: F401, PLC0415

        from lab.columns import reports  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise Unsupported(
            f"{missing.name} is missing: install it with pip install 'mptcpapi[columns]'"
        ) from missing
    return reports
