"""Write `benchmarks/README.md` from the data of a run: `python benchmarks/table.py RUN.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from machine import machine

Stats = dict[str, float]

HEAD = """\
# How fast `mptcpapi` is

`make bench` measures it and writes this page; `pytest benchmarks` only measures. Each row sets a
call beside what it cannot be without, measured in the same run: minimum (median) of each, and what
follows from the minima, which a busy machine disturbs least; of rates, which are measured in turn
with what stands beside them, medians. What is measured is said in the benchmark's own text.

| | call | beside | result | target |
|---|---|---|---|---|
"""


class Target(NamedTuple):
    """A benchmark, what it is set beside, and how the two may differ."""

    name: str
    what: str
    beside: str | None
    """Name of the other benchmark; `None`: the benchmark brings it along."""
    beside_what: str
    most: float
    """As a ratio or in seconds."""
    is_ratio: bool

    def row(self, found: dict[str, dict[str, Any]]) -> str:
        """The row of the table."""
        benchmark = found[self.name]
        stats: Stats = benchmark["stats"]
        beside: Stats = (
            found[self.beside]["stats"] if self.beside else benchmark["extra_info"]["beside"]
        )
        if self.is_ratio:
            result = stats["min"] / beside["min"]
            texts = f"{result:.2f} times", f"at most {self.most:g} times"
        else:
            result = stats["min"] - beside["min"]
            texts = f"{duration(result)} more", f"at most {duration(self.most)} more"
        verdict = "" if result <= self.most else " (**missed**)"
        return (
            f"| {self.what} | {both(stats)} | {both(beside)}: {self.beside_what} "
            f"| {texts[0]}{verdict} | {texts[1]} |"
        )


TARGETS = (
    Target("test_subflows", "`subflows()`, 8 of them", "test_getsockopt",
           "`getsockopt(MPTCP_FULL_INFO)` by ctypes", 3, True),
    Target("test_open_subflow", "`open_subflow()` over a veth pair", None,
           "SYN to third ACK, on the capture", 1e-3, False),
    Target("test_get_subflow_option", "`get_subflow_option()`", "test_iterator",
           "one pass of the BPF iterator", 2, True),
    Target("test_set_subflow_option", "`set_subflow_option()`", "test_iterator",
           "one pass of the BPF iterator", 2, True),
    Target("test_import", "`from mptcpapi import *`, processor time", "test_interpreter",
           "an interpreter that imports nothing", 0.1, False),
)  # fmt: skip


class Rate(NamedTuple):
    """A benchmark of a bit rate, with something and without it."""

    name: str
    what: str
    least: float | None
    """As a ratio; `None`: it has no target."""

    def row(self, found: dict[str, dict[str, Any]]) -> str:
        """The row of the table."""
        rates = found[self.name]["extra_info"]
        result = rates["with"] / rates["without"]
        target = "none" if self.least is None else f"at least {self.least * 100:.0f} %"
        verdict = "" if self.least is None or result >= self.least else " (**missed**)"
        return (
            f"| {self.what} | {bit_rate(rates['with'])} | {bit_rate(rates['without'])}: without it "
            f"| {result * 100:.1f} %{verdict} | {target} |"
        )


RATES = (
    Rate("test_filter", "`iperf3` under `mptcpapi run --no-upgrade`", 0.97),
    Rate("test_upgrade_on_a_link",
         "`iperf3` under `mptcpapi run`: MPTCP, over a link of 50 Mbit/s", 0.97),
    Rate("test_upgrade", "`iperf3` under `mptcpapi run`: MPTCP, limited by the processor", None),
)  # fmt: skip


def bit_rate(rate: float) -> str:
    """A bit rate for people."""
    return f"{rate / 1e6:.4g} Mbit/s"


def duration(seconds: float) -> str:
    """A time for people."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds * 1e3:.3g} ms"


def both(stats: Stats) -> str:
    """Minimum and median."""
    return f"{duration(stats['min'])} ({duration(stats['median'])})"


def page(run: dict[str, Any]) -> str:
    """The whole page."""
    found = {benchmark["name"]: benchmark for benchmark in run["benchmarks"]}
    rows = [target.row(found) for target in (*TARGETS, *RATES) if target.name in found]
    details = found["test_subflow_details"]["stats"]
    return (
        HEAD
        + "\n".join(rows)
        + f"\n\n`subflow_details()` of the same 8 takes {both(details)}; it has no target.\n"
        + f"\nMeasured on: {machine(run)}\n"
    )


if __name__ == "__main__":
    sys.stdout.write(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
