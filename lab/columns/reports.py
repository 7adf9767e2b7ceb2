"""What ``mptcp-lab packets``, ``series`` and ``annotate`` do."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import click

from lab.columns import printed
from lab.columns.analysis import Analysis
from lab.columns.annotate import annotated
from lab.columns.capture import Capture, chunks, mapped
from lab.columns.comments import comments
from lab.columns.export import arrow, write
from lab.columns.series import SECOND, Series
from lab.columns.words import describe, endpoint, rows
from lab.errors import UsageError

FLAGS = "FSRPAUEC"
"""The lower control bits of the TCP header, each by its first letter, as tcpdump writes them."""


class Output(NamedTuple):
    """Where a table goes: at most one of these, else to the terminal."""

    csv: Path | None
    parquet: Path | None
    as_json: bool
    limit: int
    """At most so many rows in the terminal and as JSON; 0: all."""

    def export(self, tables: Iterable[Any]) -> bool:
        """Write tables to a file, if one was asked for; tell whether."""
        asked = [
            (kind, path) for kind, path in (("csv", self.csv), ("parquet", self.parquet)) if path
        ]
        if len(asked) + self.as_json > 1:
            raise UsageError("--csv, --parquet and --json exclude each other")
        for kind, path in asked:
            click.echo(f"{path}: {write(path, kind, tables)} rows")
        return bool(asked)

    def cut(self, each: Iterable[Any]) -> Iterator[Any]:
        """Return no more than the limit."""
        return islice(each, self.limit or None)


def packets(files: Sequence[Path], table: str, output: Output) -> None:
    """List packets with their options in words, or export them."""
    parts = ((file, part) for file in files for part in _parts(file))
    if output.export(arrow(getattr(part, table), file=str(file)) for file, part in parts):
        return
    for file in files:
        listed = output.cut(chain.from_iterable(map(_lines, _parts(file))))
        if output.as_json:
            for line in listed:
                click.echo(json.dumps({"file": str(file), **line}))
        else:
            _print_packets(file, listed)


def _parts(file: Path) -> Iterator[Capture]:
    """Decode a file in chunks; its problems go to the terminal."""
    for part in chunks(file):
        yield part
        for problem in part.problems:
            click.echo(f"warning: {problem}", err=True)


def _lines(part: Capture) -> Iterator[dict[str, Any]]:
    """Describe each packet of a chunk."""
    options = iter(zip(part.options.packet.tolist(), rows(part.options), strict=True))
    row, option = next(options, (-1, {}))
    p = part.packets
    for at in range(len(p)):
        family, mptcp = int(p.family[at]), []
        while row == at:
            mptcp.append({**option, "meaning": describe(option)})
            row, option = next(options, (-1, {}))
        yield {
            "number": int(p.number[at]),
            "time": int(p.time[at]) / SECOND,
            "source": endpoint(p.source[at], family, int(p.source_port[at])),
            "destination": endpoint(p.destination[at], family, int(p.destination_port[at])),
            "flags": "".join(f for bit, f in enumerate(FLAGS) if p.flags[at] >> bit & 1),
            "seq": int(p.seq[at]),
            "ack": int(p.ack[at]),
            "window": int(p.window[at]),
            "payload": int(p.payload[at]),
            "mptcp": mptcp,
        }


def _print_packets(file: Path, lines: Iterator[dict[str, Any]]) -> None:
    """Print a packet as tcpdump does, and its options below it."""
    begin = None
    for line in lines:
        if begin is None:
            begin = line["time"]
            click.echo(f"{file}:")
        click.echo(
            f"{line['number']:7} {line['time'] - begin:10.6f} s  {line['source']} > "
            f"{line['destination']}  {line['flags'] or '-'}  {line['payload']} octets"
        )
        for option in line["mptcp"]:
            click.echo(f"{'':22}{option['meaning']}")
    if begin is None:
        click.echo(f"{file}: no TCP packets")


def figures(files: Sequence[Path], table: str, every: float | None, output: Output) -> None:
    """Show or export what each subflow carried, in steps of ``every`` seconds if given."""
    step = round(every * SECOND) if every else None
    if step and table != "subflows":
        raise UsageError(f"the table of {table} has no steps of time: leave out --every")
    if output.export(_tables(files, table, step)):
        return
    for file in files:
        if output.as_json:
            for line in output.cut(arrow_rows([*_tables([file], table, step)])):
                click.echo(json.dumps(line))
        else:
            context = printed.Context(_analysis(file), step)
            click.echo("\n".join([f"{file}:", *printed.lines(context, table, output.limit)]))


def arrow_rows(tables: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of pyarrow.Tables; NaN becomes None, as JSON has no other."""
    for table in tables:
        for row in table.to_pylist():
            yield {
                name: None if isinstance(value, float) and math.isnan(value) else value
                for name, value in row.items()
            }


def _tables(files: Sequence[Path], table: str, step: int | None) -> Iterator[Any]:
    for file in files:
        analysis = _analysis(file)
        found = printed.KINDS[table].make(printed.Context(analysis, step))
        ends = _directions(analysis, found) if isinstance(found, Series) else {}
        yield arrow(found, file=str(file), **ends)


def _analysis(file: Path) -> Analysis:
    return Analysis.of(Capture.joined(list(_parts(file))))


def _directions(analysis: Analysis, found: Series) -> dict[str, list[str]]:
    ends = analysis.ends()
    pairs = [
        ends[subflow] if onward else ends[subflow][::-1]
        for subflow, onward in zip(found.subflow.tolist(), found.onward.tolist(), strict=True)
    ]
    return {"source": [pair[0] for pair in pairs], "destination": [pair[1] for pair in pairs]}


def annotate(
    file: Path, out: Path, remarks: Mapping[int, Sequence[str]], about: Sequence[str]
) -> None:
    """Copy a capture as pcapng, with comments that Wireshark shows.

    ``remarks`` are lines about packets, by their numbers, besides those about their options;
    ``about`` are lines about the capture as a whole.
    """
    if out.exists() and out.samefile(file):
        raise UsageError(f"{out} is the capture itself; name another file for the copy")
    said = comments(_parts(file), remarks)
    blocks = annotated(mapped(file).data, str(file), said, "\n".join(about))
    try:
        with out.open("wb") as copy:
            copy.writelines(blocks)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from error
    click.echo(f"{out}: with comments; see them: tshark -r {out} -T fields -e frame.comment")
