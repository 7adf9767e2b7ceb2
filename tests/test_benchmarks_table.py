"""The page that `make bench` writes, from made-up data."""

import runpy
from pathlib import Path
from typing import Any

import pytest

TABLE = runpy.run_path(str(Path(__file__).parent.parent / "benchmarks" / "table.py"))


def run(**seconds: float) -> dict[str, Any]:
    """The data of a run with these minima; the medians are twice as long."""
    return {
        "datetime": "2026-01-02T03:04:05",
        "machine_info": {
            "node": "secret",
            "cpu": {"brand_raw": "Z80", "count": 1},
            "machine": "z80",
            "release": "6.18",
            "python_implementation": "CPython",
            "python_version": "3.11.7",
            "load": 0.25,
        },
        "benchmarks": [
            {
                "name": name,
                "stats": {"min": least, "median": 2 * least},
                "extra_info": {"beside": {"min": 50e-6, "median": 60e-6}},
            }
            for name, least in seconds.items()
        ],
    }


LISTING = {"test_subflow_details": 600e-6, "test_getsockopt": 6e-6}


@pytest.mark.parametrize(
    ("least", "result"), [(15e-6, "2.50 times"), (19e-6, "3.17 times (**missed**)")]
)
def test_a_ratio(least: float, result: str) -> None:
    page = TABLE["page"](run(test_subflows=least, **LISTING))

    assert f"| {result} | at most 3 times |" in page


@pytest.mark.parametrize(
    ("least", "result"), [(0.95e-3, "900 µs more"), (1.25e-3, "1.2 ms more (**missed**)")]
)
def test_a_difference(least: float, result: str) -> None:
    page = TABLE["page"](run(test_open_subflow=least, **LISTING))

    assert f"| {result} | at most 1 ms more |" in page


@pytest.mark.parametrize(("rate", "result"), [(48.5e6, "98.0 %"), (47e6, "94.9 % (**missed**)")])
def test_a_rate(rate: float, result: str) -> None:
    data = run(**LISTING, test_filter=1.0)
    data["benchmarks"][-1]["extra_info"] = {"with": rate, "without": 49.5e6}

    assert f" Mbit/s | 49.5 Mbit/s: without it | {result} | at least 97 % |" in TABLE["page"](data)


def test_the_machine_is_named_but_not_its_host() -> None:
    page = TABLE["page"](run(**LISTING))

    assert "Z80, 1 processors, z80; Linux 6.18; CPython 3.11.7; load 0.2" in page
    assert "secret" not in page
