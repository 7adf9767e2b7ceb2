"""Runs that die at any moment: what is left is complete, or says that it is not."""

import os
import random
import resource
import shutil
import signal
import time
import warnings
from contextlib import suppress
from pathlib import Path

import pytest

from lab import result
from lab.errors import InvalidRun
from lab.files import held
from lab.result.deriving import import_pyarrow
from lab.result.ending import conclude
from lab.result.schema import TABLES
from lab.run import Run, Verdict

FORMAT1 = Path(__file__).parent / "data" / "runs" / "format1"

KILLS = 40


def make_runs(store):
    """One run after another, without an end."""
    while True:
        run = Run(store, "it", seed=1)
        run.keep_topology("two_paths", FORMAT1 / "topology.yaml")
        shutil.copytree(FORMAT1 / "captures", run.captures)
        for number in range(10):
            run.record("note", number=number)
        run.figure("answer", 42, "")
        run.log("output.txt", "text\n" * 100)
        conclude(run, Verdict.PASSED, "it ended")


def killed(store, after):
    """A process that makes runs, and is killed so many seconds after its first run began."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        child = os.fork()  # Python >= 3.12 warns of pyarrow's threads, which nothing here needs
    if child == 0:
        with suppress(BaseException):
            make_runs(store)
        os._exit(1)  # it must not go on with the tests
    try:
        while not (store.is_dir() and os.listdir(store)):  # noqa: PTH208
            assert os.waitpid(child, os.WNOHANG) == (0, 0)
        time.sleep(after)
    finally:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGKILL


def require_whole_or_incomplete(kept):
    """The run has all that it says; else it says that it is incomplete."""
    assert kept.verdict in (Verdict.PASSED, Verdict.INCOMPLETE)
    if kept.verdict is Verdict.PASSED:
        assert kept.manifest["reason"] == "it ended"
        assert kept.manifest["files"].keys() >= {f"{name}.parquet" for name in TABLES}
        for name, said in kept.manifest["files"].items():
            assert held(kept.directory / name) == said
    for name in TABLES:  # of an incomplete run, from what there is
        assert kept.table(name) is not None
    assert all(record["kind"] in ("note", "damaged") for record in kept.records)


def test_kill_at_random_moments(tmp_path):
    """Also in the middle of writing the last manifest, or the tables."""
    import_pyarrow()  # once, not in each child
    moments = random.Random(8)  # noqa: S311 - repeatable on purpose
    seen = set()
    for number in range(KILLS):
        store = tmp_path / str(number)
        killed(store, moments.uniform(0, 0.1))

        unreadable = []
        for kept in result.runs(store, damaged=unreadable.append):
            require_whole_or_incomplete(kept)
            seen.add(kept.verdict)
        assert not unreadable

    assert seen == {Verdict.PASSED, Verdict.INCOMPLETE}


@pytest.fixture
def no_more_than(monkeypatch):
    """Make writes fail beyond so many bytes of a file, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_is_full_for_tables(tmp_path, no_more_than):
    """The verdict fits in still; it is told why the tables are missing, and none is half there."""
    import_pyarrow()
    run = Run(tmp_path, "it", seed=1)
    shutil.copytree(FORMAT1 / "captures", run.captures)
    no_more_than(3000)

    conclude(run, Verdict.PASSED)

    kept = result.open(run.directory)
    assert kept.verdict is Verdict.PASSED
    assert "File too large" in kept.manifest["tables"]["missing"]
    assert not list(run.directory.glob("*.parquet*"))
    assert kept.table("metrics").num_rows > 0


def test_a_disk_that_is_full_for_the_last_manifest(tmp_path, no_more_than):
    """The run is incomplete still, and whoever ends it is told."""
    run = Run(tmp_path, "it", seed=1)
    no_more_than(100)

    with pytest.raises(InvalidRun, match=r"cannot be written .*: File too large"):
        conclude(run, Verdict.PASSED)

    assert result.open(run.directory).verdict is Verdict.INCOMPLETE
    assert [path.name for path in run.directory.glob("manifest*")] == ["manifest.json"]


def test_a_disk_that_is_full_from_the_start(tmp_path, no_more_than):
    no_more_than(100)

    with pytest.raises(InvalidRun, match=r"-it-\w+: File too large"):
        Run(tmp_path, "it", seed=1)

    assert not list(tmp_path.iterdir())
