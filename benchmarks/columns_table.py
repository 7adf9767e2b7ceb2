"""Write `benchmarks/columns.md` from the data of a run; the page says how."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from machine import machine

HEAD = """\
# Captures as columns, and tshark

```
pytest benchmarks/test_columns.py --benchmark-json=build/columns.json
python benchmarks/columns_table.py build/columns.json >benchmarks/columns.md
```

makes a capture of {packets:,} packets ({size:.0f} MB: at most 160 octets of each, MPTCP options on
all), measures one after the other, and writes this page. Both give the same {fields} fields of TCP
and MPTCP; the run compares all of them, packet by packet, and fails at a difference. Times are
processor time, the minimum (median) of the rounds. tshark's start is its run on one packet.

| | processor time | without the start |
|---|---|---|
"""


def main(path: Path) -> None:
    """Print the page."""
    run = json.loads(path.read_text(encoding="utf-8"))
    found = {each["name"]: each for each in run["benchmarks"]}
    info = found["test_read"]["extra_info"]
    least = {name: each["stats"]["min"] for name, each in found.items()}
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from tshark_fields import NAMES  # noqa: PLC0415 - it lies beside the tests

    net = least["test_tshark"] - least["test_tshark_start"]
    ours = info["read"]
    whole = least["test_tshark"] / least["test_read"]
    memory = info["peak"] / info["file"]
    series = found["test_series"]["extra_info"]["peak"] / info["file"]
    own = found["test_chunks"]["extra_info"]["own"] / 1e6
    lines = [
        f"| tshark, all fields as text into a file | {times(found, 'test_tshark')} | {net:.2f} s |",
        f"| `columns.read`, all fields as arrays | {times(found, 'test_read')} "
        f"| {ours:.2f} s ({info['read_median']:.2f} s) |",
        f"| the same, and figures of all subflows every 100 ms | {times(found, 'test_series')} | |",
        "",
        "| | result | target |",
        "|---|---|---|",
        f"| reading, without the start | {net / ours:.0f} times tshark's speed | at least 50 |",
        f"| whole programs | {whole:.0f} times tshark's speed | |",
        f"| peak of memory, interpreter included | {memory:.1f} times the file | at most 5 |",
        f"| the same with the figures of subflows | {series:.1f} times the file | at most 5 |",
        f"| in chunks (`columns.chunks`), besides the mapped file | {own:.0f} MB | |",
        "",
        f"Measured on: {machine(run)}",
    ]
    head = HEAD.format(packets=info["packets"], size=info["file"] / 1e6, fields=len(NAMES))
    sys.stdout.write(head + "\n".join(lines) + "\n")


def times(found: dict[str, Any], name: str) -> str:
    """Minimum and median."""
    stats = found[name]["stats"]
    return f"{stats['min']:.2f} s ({stats['median']:.2f} s)"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
