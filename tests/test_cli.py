"""What ``mptcp-lab`` prints, and its exit status, where no network is needed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab import cli, result
from lab.run import Run, Verdict
from mptcpapi import Endpoint

ROOT = Path(__file__).parent.parent
TWO_PATHS = str(ROOT / "topologies" / "two_paths.yaml")


def invoke(*arguments):
    return CliRunner().invoke(cli.commands, [str(argument) for argument in arguments])


def test_a_file_without_mistakes_is_summed_up():
    done = invoke("check", TWO_PATHS)

    assert done.exit_code == 0
    assert done.stdout.endswith("two_paths: 3 nodes, 3 links, no mistakes\n")


def test_every_file_is_checked(tmp_path):
    mistaken = tmp_path / "mistaken.yaml"
    mistaken.write_text("topology: 1\nlnks: {}\n", encoding="utf-8")

    done = invoke("check", mistaken, tmp_path / "missing.yaml", TWO_PATHS)

    assert done.exit_code == 1
    assert "mistaken.yaml:2:1: unknown key 'lnks'" in done.stderr
    assert "missing.yaml" in done.stderr
    assert "no mistakes" in done.stdout


def test_a_topology_has_a_name_too(monkeypatch):
    monkeypatch.chdir(ROOT)

    done = invoke("check", "two_paths", "two_path", "topologies/handover.yaml")

    assert done.stdout.startswith("topologies/two_paths.yaml: two_paths: 3 nodes")
    assert "topologies/handover.yaml: handover: " in done.stdout
    known = ", ".join(sorted(path.stem for path in (ROOT / "topologies").glob("*.yaml")))
    assert done.stderr == (
        f"no topology 'two_path' in {ROOT / 'topologies'} "
        f"(did you mean 'two_paths'? known: {known})\n"
    )


def test_a_fifo_is_no_topology(tmp_path):
    os.mkfifo(tmp_path / "fifo.yaml")

    done = invoke("check", tmp_path / "fifo.yaml")

    assert done.exit_code == 1
    assert done.stderr.endswith("fifo.yaml:1:1: cannot be read: not a regular file\n")


def test_help_imports_nothing_that_takes_a_while():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, lab.cli; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    loaded = set(done.stdout.split())
    assert "click" in loaded
    heavy = {"mininet", "scapy", "pydantic", "pyroute2", "rich", "yaml", "pytest", "numpy"}
    assert not loaded & heavy


def test_the_schema_is_the_one_in_the_repository():
    done = invoke("schema")

    committed = (ROOT / "topologies" / "schema.json").read_text(encoding="utf-8")
    assert json.loads(done.stdout) == json.loads(committed)


@pytest.fixture
def kept(tmp_path):
    run = Run(tmp_path, "scenarios/test_it.py::test_it", seed=1)
    local = Endpoint("fd00::1", 5)
    run.record(
        "call", call="open_subflow", arguments=(local,), options={}, error="refused", began=1.0
    )
    run.end(Verdict.FAILED, "expected [this], saw that")
    return run.directory


def test_a_run_is_shown_with_brackets_and_all(kept):
    done = invoke("show", kept)

    assert done.exit_code == 0
    for expected in ("expected [this], saw that", "open_subflow", "refused", "failed"):
        assert expected in done.stdout


def test_a_run_is_shown_as_json(kept):
    done = invoke("show", kept, "--json")

    assert json.loads(done.stdout) == {
        "manifest": result.open(kept).manifest,
        "records": result.open(kept).records,
    }


def test_what_a_scenario_recorded_is_shown(kept):
    with (kept / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": 2.5, "kind": "note", "text": "the cable is out"}) + "\n")

    done = invoke("show", kept)

    assert re.search(r'1\.5000 .* note .* {"text": "the cable is out"}', done.stdout)


def test_what_a_scripted_peer_heard_is_shown_from_its_source(kept):
    step = {"kind": "peer", "time": 2.0, "host": "client", "what": "heard", "segment": "RST",
            "local": ["10.0.1.1", 5], "remote": ["10.0.9.2", 6], "options": []}  # fmt: skip
    with (kept / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(step) + "\n")

    done = invoke("show", kept)

    row = next(line for line in done.stdout.splitlines() if "heard" in line)
    assert [cell.strip() for cell in row.split("│")[1:4]] == ["1.0000", "client", "heard"]
    assert "10.0.9.2:6 > 10.0.1.1:5 RST" in row


def test_a_damaged_run_is_shown_as_far_as_it_goes(kept):
    """The last record cut in half, records and a manifest without their keys, a FIFO as capture."""
    with (kept / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "event"}\n{"kind": "call", "began": 2}\n[]\n{"kind": "eve')
    (kept / "manifest.json").write_text('{"format": 1, "git": []}', encoding="utf-8")
    (kept / "captures").mkdir()
    os.mkfifo(kept / "captures" / "server.pcap")

    done = invoke("show", kept)

    assert done.exit_code == 0, done.exception
    assert re.search(r"verdict +│ unknown", done.stdout)
    assert re.search(r'damaged +│ {"line": "{\\"kind\\": \\"eve"}', done.stdout)
    assert "refused" in done.stdout
    assert "server.pcap: no capture to read: not a regular file" in done.stdout


@pytest.mark.parametrize("name", ["manifest.json", "records.jsonl"])
def test_a_fifo_is_no_run(kept, name):
    (kept / name).unlink()
    os.mkfifo(kept / name)

    done = invoke("show", kept)

    assert str(done.exception) == f"{kept} is no run: {kept / name}: not a regular file"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("check",),
        ("up",),
        ("exec",),
        ("demo",),
        ("show",),
        ("verify",),
        ("compare",),
        ("rerun",),
    ],
)
def test_help_has_an_example(arguments):
    done = invoke(*arguments, "--help")

    assert done.exit_code == 0
    assert "xample" in done.stdout


def test_an_error_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mptcp-lab", "show", "/nowhere"])

    with pytest.raises(SystemExit) as end:
        cli.main()

    assert end.value.code == 1
    assert capsys.readouterr().err == (
        "error: /nowhere is no run: /nowhere/manifest.json: No such file or directory\n"
    )


def test_a_name_that_is_no_text_is_shown_all_the_same(kept):
    odd = kept.rename(os.fsdecode(os.fsencode(kept) + b"\xff"))
    (odd / "captures").mkdir()
    (odd / "captures" / "server.pcap").touch()

    done = subprocess.run(
        [sys.executable, "-m", "lab.start", "show", odd],
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert f"tcpdump -nr {kept}\\udcff/captures/server.pcap" in done.stdout
