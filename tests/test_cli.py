"""What ``mptcp-lab`` prints, and its exit status, where no network is needed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab import cli
from lab.report import read_run
from lab.result import Run, Verdict
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

    assert json.loads(done.stdout) == json.loads(json.dumps(read_run(kept)._asdict()))


@pytest.mark.parametrize(
    "arguments", [(), ("check",), ("up",), ("exec",), ("demo",), ("show",), ("verify",)]
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
