"""docs/results.md explains what runs leave; its script draws what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from manifest_keys import documented, leaves, pattern_of, text_of, unexplained

from lab import result
from lab.result.schema import TABLES

ROOT = Path(__file__).parent.parent
FORMAT2 = ROOT / "tests" / "data" / "runs" / "format2"

NOT_IN_EACH = re.compile(
    r"options\.|parameters\.|overrides\.|campaign\.|verification\.|fidelity\.reason|tables\.(missing|problems)"
)
"""What the committed run has no use for."""


def test_each_key_of_a_run_is_explained():
    assert not unexplained(result.open(FORMAT2).manifest)
    assert unexplained({"new": 1, "machine": {"cpu": "x", "colour": "red"}}) == {
        "new", "machine.colour",
    }  # fmt: skip


def test_each_key_that_is_explained_exists():
    paths = [*leaves(result.open(FORMAT2).manifest)]
    patterns = documented()
    found = {pattern for pattern in patterns for path in paths if pattern_of(path, [pattern])}

    assert not {pattern for pattern in patterns - found if not NOT_IN_EACH.match(pattern)}


def test_each_column_is_explained_in_its_order():
    tables = text_of("Tables").split("\n`")
    for table in tables[1:]:
        name = table.partition("`")[0]
        cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        columns = [column for cell in cells for column in re.findall(r"`(\w+)`", cell)]
        assert sorted(columns) == sorted(TABLES[name])
    assert len(tables[1:]) == len(TABLES)


def test_each_figure_is_explained():
    cells = re.findall(r"^\| (`.*?) \|", text_of("Figures of every run"), re.MULTILINE)
    explained = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}

    assert explained == {*result.open(FORMAT2).figures, "handover_gap"}


def draw(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "docs" / "figure_from_runs.py", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_script_draws_vectors(tmp_path):
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    for number in range(6):
        shutil.copytree(FORMAT2, tmp_path / "runs" / f"run{number}")

    done = draw(tmp_path / "runs", tmp_path / "figure.pdf")

    assert (done.returncode, done.stderr) == (0, "")
    pdf = (tmp_path / "figure.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"/Subtype /Image" not in pdf
    assert b"/FontFile2" in pdf
    assert len(pdf) > 5000


def test_the_script_says_what_it_lacks(tmp_path):
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")

    done = draw(tmp_path, tmp_path / "figure.pdf")

    assert done.stderr == f"{tmp_path} has no run that passed and delivered data\n"
    assert done.returncode == 1
