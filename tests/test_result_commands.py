"""``mptcp-lab`` list, show, export and gc: what they print, and what they leave."""

import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from lab import cli, result
from lab.result.ending import conclude
from lab.run import Run, Verdict

FORMAT1 = Path(__file__).parent / "data" / "runs" / "format1"


def invoke(*arguments, text=None):
    return CliRunner(env={"COLUMNS": "140"}).invoke(
        cli.commands, [str(argument) for argument in arguments], input=text
    )


def make(store, scenario, verdict=Verdict.PASSED, **manifest):
    """A run that has ended."""
    run = Run(store, scenario, seed=1)
    run.figure("goodput", 12_500_000, "bit/s", "higher")
    run.describe(**manifest)
    run.end(verdict)
    stamp = f"2026010{1 + len(list(store.iterdir()))}"  # two can be of one millisecond
    return run.directory.rename(store / f"{stamp}-{run.directory.name.partition('-')[2]}")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """``results`` of the present directory, with three runs."""
    monkeypatch.chdir(tmp_path)
    here = tmp_path / "results"
    make(here, "scenarios/test_joins.py::test_one[ipv4]", parameters={"size": "2 MB"})
    make(here, "scenarios/test_joins.py::test_two", Verdict.FAILED)
    make(here, "scenarios/test_closing.py::test_three", overrides={"links.wifi.rate": "2 Mbit/s"})
    return here


def damage(store):
    """Add a damaged run, one of another format, and what is no run."""
    for name, text in (("20990101-damaged", "{"), ("20990102-later", '{"format": 3}')):
        (store / name).mkdir()
        (store / name / "manifest.json").write_text(text, encoding="utf-8")
    (store / "notes").mkdir()
    (store / "README.md").touch()


def test_runs_are_listed_the_newest_last(store):
    done = invoke("list")

    assert done.exit_code == 0
    shown = re.findall(r"test_\w+(?:\[\w+\])?", done.stdout)
    assert shown == ["test_one[ipv4]", "test_two", "test_three"]
    for words in ("failed", "12.50", "size=2 MB", "links.wifi.rate=2 Mbit/s"):
        assert words in done.stdout


def test_runs_are_listed_as_json(store):
    listed = json.loads(invoke("list", "--json").stdout)

    assert [each["verdict"] for each in listed] == ["passed", "failed", "passed"]
    assert listed[0]["figures"]["goodput"]["unit"] == "bit/s"
    assert listed[0]["parameters"] == {"size": "2 MB"}
    assert listed[0]["seconds"] >= 0
    assert result.open(listed[0]["run"]).scenario == listed[0]["scenario"]


@pytest.mark.parametrize(
    ("options", "tests"),
    [
        (["--verdict", "failed"], ["two"]),
        (["--verdict", "failed", "--verdict", "passed"], ["one", "two", "three"]),
        (["--scenario", "joins"], ["one", "two"]),
        (["--scenario", "test_t*"], ["two", "three"]),
        (["--last", "2"], ["two", "three"]),
        (["--last", "1", "--verdict", "passed", "--scenario", "joins"], ["one"]),
    ],
)
def test_some_runs_are_listed(store, options, tests):
    listed = json.loads(invoke("list", "--json", *options).stdout)

    assert [re.search(r"::test_(\w+)", each["scenario"])[1] for each in listed] == tests


def test_stores_are_any_paths(store, tmp_path):
    make(tmp_path / "elsewhere" / "runs", "test_four")

    listed = json.loads(invoke("list", "--json", store, tmp_path / "elsewhere/runs").stdout)

    assert len(listed) == 4
    assert "test_four" in [each["scenario"] for each in listed]
    missing = invoke("list", tmp_path / "nowhere")
    assert "nowhere: no such directory, so no runs" in str(missing.exception)


def test_damaged_runs_are_told_and_the_rest_is_listed(store):
    damage(store)

    done = invoke("list", "--json")

    assert done.exit_code == 0
    assert len(json.loads(done.stdout)) == 3
    assert "20990101-damaged/manifest.json: not JSON" in done.stderr
    assert "format 3 is not known here (known: 1, 2)" in done.stderr


def test_only_the_newest_of_many_are_read(store, monkeypatch):
    read = []
    original = result.store.open_run
    monkeypatch.setattr("lab.result.store.open_run", lambda at: read.append(at) or original(at))

    done = invoke("list", "--last", "1")

    assert len(read) == 1
    assert "The newest 1: --last 0 lists all." in done.stdout


def test_a_store_without_runs(tmp_path):
    assert invoke("list", tmp_path).stdout == "no runs\n"


def test_a_run_is_shown_by_the_end_of_its_name(store):
    name = sorted(store.iterdir())[1].name

    done = invoke("show", name.rpartition("-")[2])

    assert "test_joins.py::test_two" in done.stdout
    assert re.search(r"goodput .* 12500000 .* bit/s .* higher", done.stdout)


def test_an_end_that_several_names_have(store):
    for number in (1, 2):
        shutil.copytree(FORMAT1, store / f"2026-{number}-same")

    done = invoke("show", "same")

    assert str(done.exception).startswith("2 runs have names that end in same:\n    2026-1-same")


def test_a_run_of_format_1_is_shown_with_its_links():
    done = invoke("show", FORMAT1)

    assert done.exit_code == 0
    assert re.search(r"wifi .* there .* rate .* 50000000 .* 49868897", done.stdout)
    assert "tcpdump -nr" in done.stdout


def test_a_run_whose_files_were_changed_says_so(store):
    name = sorted(store.iterdir())[0].name
    assert "damaged" not in invoke("show", name).stdout

    (store / name / "records.jsonl").write_text('{"kind": "x"}\n', encoding="utf-8")

    done = invoke("show", name)
    assert "damaged: records.jsonl is not what it was when the run ended" in done.stdout


def test_a_manifest_that_names_files_elsewhere(store):
    """Nothing outside of the run is read."""
    at = sorted(store.iterdir())[0]
    manifest = json.loads((at / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = {"../../secret": {"size": 1, "sha256": ""}, "gone": 3}
    (at / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    done = invoke("show", at)

    assert "damaged: ../../secret: not a file of this run" in done.stdout
    assert "damaged: gone is missing" in done.stdout


def test_figures_of_many_runs_are_exported(store, tmp_path):
    pytest.importorskip("pyarrow")
    (store / "README.md").touch()

    done = invoke("export", *store.iterdir(), "--table", "figures", "--csv", tmp_path / "it.csv")

    assert done.stdout == f"{tmp_path / 'it.csv'}: 3 rows of 3 runs\n"
    assert "README.md is no run" in done.stderr
    head, *rows = (tmp_path / "it.csv").read_text(encoding="utf-8").splitlines()
    assert head == '"run","scenario","verdict","parameters","name","value","unit","better"'
    assert sum('"goodput",12500000,"bit/s","higher"' in row for row in rows) == 3
    assert sum("2 Mbit/s" in row for row in rows) == 1


def test_metrics_are_exported_as_parquet(store, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")

    done = invoke("export", FORMAT1, *store.iterdir(), "--parquet", tmp_path / "it.parquet")

    assert done.exit_code == 0
    table = parquet.read_table(tmp_path / "it.parquet")
    assert set(table["run"].to_pylist()) == {"format1"}
    assert table.drop_columns(["run", "scenario", "verdict", "parameters"]).equals(
        result.open(FORMAT1).table("metrics")
    )


def unzip(archive, into):
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(into)  # noqa: S202 - made a moment ago


def untar(archive, into):
    with tarfile.open(archive) as opened:
        assert all(each.isreg() for each in opened)
        opened.extractall(into)  # noqa: S202 - made a moment ago


@pytest.mark.parametrize(("kind", "unpack"), [("zip", unzip), ("tar", untar)])
def test_an_exported_run_is_shown_elsewhere(store, tmp_path, kind, unpack):
    run = Run(store, "test_it", seed=1)
    shutil.copytree(FORMAT1 / "captures", run.captures)
    (run.directory / "link").symlink_to("/etc/passwd")
    conclude(run, Verdict.PASSED)
    archive, there = tmp_path / "it", tmp_path / "there"

    done = invoke("export", run.directory, f"--{kind}", archive)
    assert done.exit_code == 0
    there.mkdir()
    unpack(archive, there)

    name = run.directory.name
    checked = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=there, capture_output=True, text=True, check=True
    )
    files = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
    assert {line.partition(":")[0] for line in checked.stdout.splitlines()} == files - {
        "SHA256SUMS"
    }
    assert f"{name}/captures/client.pcap" in files
    assert f"{name}/link" not in files
    shown = invoke("show", there / name)
    assert "test_it" in shown.stdout
    assert "damaged" not in shown.stdout


def test_two_runs_of_one_name_do_not_fit_into_an_archive(store, tmp_path):
    first = sorted(store.iterdir())[0]
    shutil.copytree(first, tmp_path / "other" / first.name)

    done = invoke("export", first, tmp_path / "other" / first.name, "--zip", tmp_path / "it.zip")

    assert "two runs have the name" in str(done.exception)
    assert not list(tmp_path.glob("*it.zip*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [([], "name one file"), (["--zip", "a", "--csv", "b"], "name one file")],
)
def test_an_export_needs_one_file(store, options, message):
    done = invoke("export", *store.iterdir(), *options)

    assert done.exit_code == 2
    assert message in done.stderr


def names(store):
    return [re.search(r"-test-(\w+)", path.name)[1] for path in sorted(store.glob("202*"))]


def started(store, test, days):
    """Let a run have begun so many days ago."""
    (directory,) = store.glob(f"*-test-{test}-*")
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["started"] = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--keep-last", "2"], ["two", "three"]),
        (["--keep-last", "3"], ["one", "two", "three"]),
        (["--verdict", "passed"], ["two"]),
        (["--verdict", "passed", "--keep-last", "1"], ["two", "three"]),
        (["--older-than", "30 days"], ["three"]),
        (["--older-than", "30 days", "--verdict", "passed"], ["two", "three"]),
        (["--older-than", "8 weeks"], ["one", "two", "three"]),
    ],
)
def test_what_gc_removes(store, options, left):
    for test in ("one", "two"):
        started(store, test, 31)
    before = ["one", "two", "three"]

    would = invoke("gc", *options, "--dry-run")
    assert names(store) == before

    done = invoke("gc", *options, "--yes")
    assert done.exit_code == 0
    assert names(store) == left
    gone = len(before) - len(left)
    assert (f"{gone} runs" in would.stdout) == (f"{gone} runs removed" in done.stdout) == bool(gone)
    assert not [path for path in store.iterdir() if path.name.startswith(".")]


def test_gc_asks(store):
    refused = invoke("gc", "--verdict", "failed", text="n\n")
    assert refused.exit_code == 1
    assert len(names(store)) == 3

    agreed = invoke("gc", "--verdict", "failed", text="y\n")
    assert re.search(r"Remove 1 runs, \d+\.\d MB\?", agreed.stdout)
    assert names(store) == ["one", "three"]


def test_gc_says_how_much_it_frees(store):
    (directory,) = store.glob("*-test-two-*")
    (directory / "large").write_bytes(bytes(3_000_000))

    done = invoke("gc", "--verdict", "failed", "--yes")

    assert "1 runs removed, 3.0 MB freed" in done.stdout


def test_gc_removes_no_run_that_goes_on(store):
    """One that died is removed."""
    going_on = Run(store, "test_goes_on", seed=1)
    died = Run(store, "test_died", seed=1)
    died._close()

    done = invoke("gc", "--verdict", "incomplete", "--yes")

    assert "1 runs removed" in done.stdout
    assert going_on.directory.exists()
    assert not died.directory.exists()
    going_on.end(Verdict.PASSED)


def test_gc_removes_nothing_that_is_no_run(store, tmp_path):
    damage(store)
    outside = make(tmp_path / "outside", "test_four")
    (store / "2025-link").symlink_to(outside)

    done = invoke("gc", "--older-than", "0 days", "--yes")

    assert "3 runs removed" in done.stdout
    assert sorted(path.name for path in store.iterdir()) == [
        "2025-link", "20990101-damaged", "20990102-later", "README.md", "notes",
    ]  # fmt: skip
    assert outside.exists()


def test_what_gc_left_when_it_was_interrupted_is_removed_next_time(store):
    sorted(store.iterdir())[0].rename(store / ".new-gone-it")

    invoke("gc", "--verdict", "skipped", "--yes")

    assert not (store / ".new-gone-it").exists()
    assert len(names(store)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "say which runs may go"),
        (["--older-than", "30"], "'30' is no age"),
        (["--older-than", "1 fortnight"], "'1 fortnight' is no age"),
    ],
)
def test_what_gc_does_not_understand(store, options, message):
    done = invoke("gc", *options, "--yes")

    assert message in str(done.exception)
    assert len(names(store)) == 3


@pytest.mark.parametrize("command", ["list", "show", "export", "gc"])
def test_help_has_an_example(command):
    done = invoke(command, "--help")

    assert re.search(rf"Examples?: mptcp-lab {command}", done.stdout)


@pytest.mark.parametrize("command", ["show", "export"])
def test_names_of_runs_are_completed(store, command):
    name = sorted(store.iterdir())[1].name
    end = name.rpartition("-")[2]

    def completed(word):
        shell = ShellComplete(cli.commands, {}, "mptcp-lab", "_MPTCP_LAB_COMPLETE")
        return {(each.type, each.value) for each in shell.get_completions([command], word)}

    assert ("plain", name) in completed(name[:19])
    assert ("plain", end) in completed(end[:4])
    assert completed("results/2") == {("file", "results/2")}
