"""All that is shown of a run."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from lab.errors import LabError
from lab.report import manifest
from lab.report.records import calls_and_events
from lab.result import Result
from lab.result.checking import damages
from lab.trace import Trace


def tables(result: Result) -> Iterator[Table | str]:
    """What people look at first."""
    yield manifest.summary(result)
    yield from manifest.figures(result)
    yield from manifest.links(result)
    yield from manifest.checks(result)
    if result.records:
        yield calls_and_events(result.records)
    for path in result.captures.values():
        try:
            yield Trace.from_pcap(path, at=path.stem).summary()
        except LabError as error:
            yield str(error)
        yield f"    tcpdump -nr {path}"
    yield from (f"damaged: {damage}" for damage in damages(result))
