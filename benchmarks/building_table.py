"""Write `benchmarks/building.md` from the data of a run; the page says how."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from machine import machine

HEAD = """\
# How long networks take

```
pytest benchmarks/test_building.py -n 0 --benchmark-json=build/building.json
python benchmarks/building_table.py build/building.json >benchmarks/building.md
```

builds a ring of {hosts} hosts with two links each and takes it down, in {rounds} rounds, each one
after the other in three ways; and once {many} hosts with {links:,} links.

* **stock Mininet**: `Mininet(topo=…, controller=None)`, `build()`, `stop()`: namespaces, links, an
  address for each interface.
* **ip -batch**: one ip(8) for namespaces and links, one for what is inside each host, one to delete
  the namespaces. It has what the lab's network has: addresses, a policy rule for each, and routes.
* **the lab**: `with Network(topology)`, until packets pass every link. The file has been read.

| {hosts} hosts, built and taken down | minimum (median) | of Mininet's median | of ip's |
|---|---|---|---|
"""

WAYS = {"mininet": "stock Mininet", "ip": "ip -batch", "lab": "the lab"}


def main(path: Path) -> None:
    """Print the page."""
    run = json.loads(path.read_text(encoding="utf-8"))
    found = {each["name"]: each["extra_info"] for each in run["benchmarks"]}
    fifty, many = found["test_fifty"], found["test_many"]
    medians = fifty["medians"]
    lines = [
        f"| {title} | {min(fifty[way]):.2f} s ({medians[way]:.2f} s) "
        f"| {medians[way] / medians['mininet']:.3f} | {medians[way] / medians['ip']:.2f} |"
        for way, title in WAYS.items()
    ]
    lines += [
        "",
        "| | result | target |",
        "|---|---|---|",
        result("the lab beside stock Mininet", medians["lab"] / medians["mininet"], 1 / 3),
        result("the lab beside ip -batch", medians["lab"] / medians["ip"], 2),
        "",
        f"| {many['hosts']} hosts, {many['links']:,} links | |",
        "|---|---|",
        f"| reading the file, with all checks | {many['read']:.1f} s |",
        f"| building | {many['up']:.1f} s |",
        f"| taking it down | {many['down'] * 1e3:.0f} ms |",
        f"| memory of the process at its peak | {many['peak'] / 1e6:.0f} MB |",
        "",
        "The kernel goes on removing namespaces for a while after any of the three has ended.",
        "",
        f"Measured on: {machine(run)}",
    ]
    head = HEAD.format(
        hosts=fifty["hosts"], rounds=len(fifty["lab"]), many=many["hosts"], links=many["links"]
    )
    sys.stdout.write(head + "\n".join(lines) + "\n")


def result(what: str, ratio: float, most: float) -> str:
    """A row that says whether a target is met."""
    verdict = "" if ratio <= most else " (**missed**)"
    return f"| {what} | {ratio:.2f} of the time{verdict} | at most {most:.2f} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
