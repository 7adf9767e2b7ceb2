"""Calls, events and metrics of a run: as Parquet when it ends, and as data frames."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab import result
from lab.errors import Unsupported, UsageError
from lab.result import parquet
from lab.result.ending import conclude
from lab.result.schema import TABLES
from lab.run import Run, Verdict
from lab.trace import Trace

FORMAT1 = Path(__file__).parent / "data" / "runs" / "format1"

pa = pytest.importorskip("pyarrow")


@pytest.fixture
def run(tmp_path):
    """A run with the captures and records of the committed one."""
    run = Run(tmp_path, "it", seed=1)
    shutil.copytree(FORMAT1 / "captures", run.captures)
    shutil.copy(FORMAT1 / "records.jsonl", run.directory)
    yield run
    run.end(Verdict.PASSED)


def rows(table, **chosen):
    return [row for row in table.to_pylist() if chosen.items() <= row.items()]


def test_metrics_count_what_the_captures_hold():
    kept = result.open(FORMAT1)

    metrics = kept.table("metrics")
    for host, path in kept.captures.items():
        trace = Trace.from_pcap(path, at=host)
        for seen, part in (("sent", trace.sent()), ("arrived", trace.arrived())):
            counted = sum(row["bytes"] for row in rows(metrics, host=host, seen=seen))
            assert counted == part.payload()
    arrived = rows(metrics, host="server", seen="arrived")
    assert sum(row["first"] for row in arrived) > 100_000
    assert {row["subflow"] for row in arrived} == {1, 2}


def test_steps_are_those_of_all_hosts_and_of_100_ms():
    for row in result.open(FORMAT1).table("metrics").to_pylist():
        assert row["time_ns"] % 100_000_000 == 0
        assert row["goodput"] == row["first"] * 8 / 0.1


def test_events_and_calls_are_those_of_the_records():
    kept = result.open(FORMAT1)

    events = kept.table("events").to_pylist()
    recorded = [record for record in kept.records if record["kind"] == "event"]
    assert [event["name"] for event in events] == [record["name"] for record in recorded]
    joined = rows(kept.table("events"), name="SUB_ESTABLISHED", host="client")[0]
    said = next(r["event"] for r in recorded
                if (r["name"], r["host"]) == ("SUB_ESTABLISHED", "client"))  # fmt: skip
    assert joined["token"] == said["token"]
    assert joined["local"] == "[{}]:{}".format(*said["local"])
    assert abs(joined["time_ns"] - said["received"] * 1e9) < 1000
    call = kept.table("calls").to_pylist()[0]
    assert call["call"] == "open_subflow"
    assert json.loads(call["arguments"]) == ["fd00:2::1"]
    assert call["began_ns"] < call["ended_ns"]


def test_the_end_of_a_run_writes_what_is_derived_later_too(run):
    conclude(run, Verdict.PASSED)

    kept = result.open(run.directory)
    later = result.open(FORMAT1)
    assert kept.verdict is Verdict.PASSED
    for name in TABLES:
        written = pa.parquet.read_table(run.directory / f"{name}.parquet")
        assert written.equals(later.table(name))
        assert kept.manifest["tables"][name] == written.num_rows > 0
        assert f"{name}.parquet" in kept.manifest["files"]
    assert kept.figures == later.derived_figures


def test_figures_follow_from_the_captures(run):
    conclude(run, Verdict.PASSED)

    figures = result.open(run.directory).figures
    server = Trace.from_pcap(FORMAT1 / "captures" / "server.pcap", at="server")
    data = server.arrived().with_payload()
    assert figures["delivered"]["value"] == data.payload()  # nothing was sent again
    seconds = pytest.approx(data.end - data.start, abs=1e-6)  # of the float's seconds since 1970
    assert figures["transfer_time"]["value"] == seconds
    assert figures["goodput"] == {
        "value": pytest.approx(8 * data.payload() / (data.end - data.start), rel=1e-3),
        "unit": "bit/s",
        "better": "higher",
    }
    assert figures["subflows_used"]["value"] == 2
    assert 0 < figures["longest_pause"]["value"] < figures["transfer_time"]["value"]


def test_what_the_scenario_measured_itself_counts(run):
    run.figure("goodput", 7, "bit/s", "higher")

    conclude(run, Verdict.PASSED)

    assert result.open(run.directory).figures["goodput"]["value"] == 7


def test_without_pyarrow_the_manifest_says_why_tables_are_missing(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    conclude(run, Verdict.FAILED, "it failed")

    kept = result.open(run.directory)
    assert (kept.verdict, kept.manifest["reason"]) == (Verdict.FAILED, "it failed")
    assert "pip install 'mptcpapi[columns]'" in kept.manifest["tables"]["missing"]
    with pytest.raises(Unsupported, match="pyarrow"):
        kept.table("metrics")
    monkeypatch.undo()
    assert kept.table("metrics").num_rows > 0


def test_large_captures_are_left_for_later(run, monkeypatch):
    monkeypatch.setattr("lab.result.ending.LARGE", 1000)

    conclude(run, Verdict.PASSED)

    kept = result.open(run.directory)
    assert "more than 1000" in kept.manifest["tables"]["missing"]
    assert kept.table("metrics").num_rows > 0


def test_a_capture_that_is_none_costs_its_rows_alone(run):
    (run.captures / "server.pcap").write_bytes(b"no capture")
    (run.captures / "cut.pcap").write_bytes((FORMAT1 / "captures/client.pcap").read_bytes()[:999])

    conclude(run, Verdict.INVALID, "its captures are damaged")

    kept = result.open(run.directory)
    problems = "\n".join(kept.manifest["tables"]["problems"])
    assert "server.pcap" in problems
    assert "cut.pcap" in problems
    assert rows(kept.table("metrics"), host="client", seen="sent")
    assert not rows(kept.table("metrics"), host="server")


def test_damaged_records_cost_their_rows_alone(run):
    with (run.directory / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "event", "event": {"token": "x", "received": 1e400, "local": 3}}\n')
        file.write('{"kind": "call", "began": [], "time": null, "error": {}}\n{"kind": "ev')

    conclude(run, Verdict.PASSED)

    kept = result.open(run.directory)
    assert kept.manifest["tables"]["problems"] == ["records.jsonl: 1 lines are damaged"]
    assert set(kept.table("events").to_pylist()[-1].values()) == {None}
    assert kept.table("calls").num_rows == result.open(FORMAT1).table("calls").num_rows + 1


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 99])
def test_a_damaged_table_is_derived_again(run, content):
    conclude(run, Verdict.PASSED)
    parquet.path(run.directory, "metrics").write_bytes(content)

    with pytest.warns(UserWarning, match=r"metrics\.parquet: .*derived again"):
        table = result.open(run.directory).table("metrics")

    assert table.equals(result.open(FORMAT1).table("metrics"))


def test_a_run_without_anything_has_empty_tables(tmp_path):
    run = Run(tmp_path, "it", seed=1)

    conclude(run, Verdict.SKIPPED, "this kernel cannot")

    kept = result.open(run.directory)
    assert kept.manifest["tables"] == {"calls": 0, "events": 0, "metrics": 0}
    assert kept.figures == {}
    for name, columns in TABLES.items():
        assert kept.table(name).column_names == list(columns)


def test_tables_are_pandas_frames():
    pandas = pytest.importorskip("pandas")

    kept = result.open(FORMAT1)

    assert isinstance(kept.metrics, pandas.DataFrame)
    assert kept.metrics.groupby("seen")["bytes"].sum()["arrived"] > 100_000
    assert list(kept.events.columns) == list(TABLES["events"])
    assert list(kept.calls.columns) == list(TABLES["calls"])


def test_without_pandas_and_polars_the_extra_is_named(monkeypatch):
    for name in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(Unsupported, match=r"pip install 'mptcpapi\[results\]'"):
        result.open(FORMAT1).metrics  # noqa: B018 - it raises


def test_a_table_that_no_run_has():
    with pytest.raises(UsageError, match="no table 'metric' \\(known: calls, events, metrics\\)"):
        result.open(FORMAT1).table("metric")


def test_opening_a_run_imports_nothing_that_takes_a_while():
    code = (
        "import sys, lab.result; from lab.result.ending import conclude\n"
        f"lab.result.open({str(FORMAT1)!r}).records; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )  # fmt: skip

    loaded = set(done.stdout.split())
    assert "lab.result.kept" in loaded
    assert not loaded & {"numpy", "pyarrow", "pandas", "polars", "scapy", "rich", "mininet"}
