"""Manifests and records that somebody else made, or altered: a sentence, never a traceback."""

import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from lab import cli
from lab.errors import LabError

FORMAT2 = Path(__file__).parent / "data" / "runs" / "format2"
MANIFEST = json.loads((FORMAT2 / "manifest.json").read_text(encoding="utf-8"))

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=9),
)
NAMES = st.sampled_from(
    [
        "goodput",
        "value",
        "unit",
        "better",
        "links",
        "wifi",
        "there",
        "connections",
        "findings",
        "\0",
    ]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
FIGURE = st.fixed_dictionaries({"value": ANYTHING, "unit": ANYTHING, "better": ANYTHING})
CLOSE = {
    "figures": st.dictionaries(NAMES, FIGURE, min_size=1),
    "verification": st.fixed_dictionaries({"verdict": SCALARS, "connections": ANYTHING})
    | st.fixed_dictionaries({"connections": st.lists(st.dictionaries(NAMES, ANYTHING))}),
    "fidelity": st.fixed_dictionaries({"links": ANYTHING}),
    "files": st.dictionaries(NAMES, ANYTHING, min_size=1),
    "started": ANYTHING,
    "ended": ANYTHING,
}
"""What is nearly as it should be, and so is read the farthest."""

MANIFESTS = st.one_of(
    st.dictionaries(st.sampled_from(sorted(MANIFEST)), ANYTHING),
    st.fixed_dictionaries({}, optional=CLOSE),
)
RECORDS = st.lists(
    st.dictionaries(st.sampled_from(["kind", "time", "event", "call", "host", "began"]), ANYTHING)
    .map(lambda record: {"kind": "event", **record})
    .map(json.dumps)
)


@contextmanager
def store(changed, records):
    """A store with one run, some of whose manifest is something else."""
    with tempfile.TemporaryDirectory() as directory:
        run = Path(directory, "20260101-it")
        run.mkdir()
        text = json.dumps({**MANIFEST, **changed, "format": 2})
        (run / "manifest.json").write_text(text, encoding="utf-8")
        (run / "records.jsonl").write_text("\n".join(records), encoding="utf-8")
        yield run


@example({"verification": {"connections": 5}}, [])
@example({"figures": {"goodput": {"value": 10**400, "unit": [], "better": 3}}}, [])
@example({"figures": {"goodput": {"value": 1, "unit": 7, "better": {}}}}, [])
@example({"files": {"\0": 1}, "started": 5, "ended": "2026", "scenario": None}, [])
@example({}, [json.dumps({"kind": "event", "event": {"received": float("inf"), "token": 1 << 70}})])
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(MANIFESTS, RECORDS)
def test_whatever_a_run_says_it_is_read(changed, records):
    with store(changed, records) as run:
        for arguments in (
            ["list", run.parent],
            ["list", run.parent, "--json"],
            ["show", run],
            ["show", run, "--json"],
            ["export", run, "--table", "figures", "--csv", run.parent / "figures.csv"],
            ["export", run, "--table", "events", "--csv", run.parent / "events.csv"],
            ["gc", run.parent, "--older-than", "1 day", "--dry-run"],
        ):
            done = CliRunner().invoke(cli.commands, [str(each) for each in arguments])
            if done.exception and not isinstance(done.exception, (SystemExit, LabError)):
                raise done.exception


@pytest.mark.parametrize("name", ["manifest.json", "records.jsonl", "captures/client.pcap"])
def test_files_that_end_anywhere(tmp_path, name):
    whole = (FORMAT2 / name).read_bytes()
    for number, end in enumerate(range(0, len(whole), max(1, len(whole) // 20))):
        run = tmp_path / f"run{number}"
        shutil.copytree(FORMAT2, run)
        (run / name).write_bytes(whole[:end])

    for command in ("list", "gc"):
        options = ["--verdict", "passed", "--dry-run"] if command == "gc" else []
        done = CliRunner().invoke(cli.commands, [command, str(tmp_path), *options])
        assert done.exception is None
        assert ("not JSON" in done.stderr) == (name == "manifest.json")
    for run in tmp_path.iterdir():
        done = CliRunner().invoke(cli.commands, ["show", str(run)])
        assert done.exception is None or isinstance(done.exception, LabError)
        if name != "manifest.json":
            assert f"damaged: {name} is not what it was" in done.stdout
