"""The directory of a campaign: what survives, and who may use it."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest

from lab.campaign.directory import Campaign, opened
from lab.campaign.identity import differences, identity
from lab.campaign.journal import MOST_LOST, Entry, Journal, finished
from lab.campaign.plan import Plan
from lab.campaign.points import Point, in_order
from lab.errors import UsageError
from lab.run import Verdict

PLAN = Plan.model_validate(
    {"campaign": "1", "name": "tiny", "scenarios": ["a"], "repetitions": "3"}
)
PROJECT: dict[str, Any] = {"commit": "0" * 40, "lab": "1", "files": {"test_a.py": "2"}}
POINTS = in_order(PLAN, ["a"])


def entry(point: Point = POINTS[0], verdict: Verdict = Verdict.PASSED, **more: Any) -> Entry:
    values: dict[str, Any] = {
        "attempt": 1, "seed": 1, "reason": "", "run": None, "seconds": 1.0, "worker": "",
        "ended": "",
    }  # fmt: skip
    return Entry(point, verdict=verdict, **values | more)


def open_again(directory: Path, plan: Plan = PLAN, project: dict[str, Any] = PROJECT) -> Any:
    return opened(directory, plan, in_order(plan, ["a"]), project)


def arrive(campaign: Campaign, name: str) -> Path:
    path = campaign.incoming / name
    path.mkdir()
    (path / "manifest.json").write_text("{}", encoding="utf-8")
    return path


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    with open_again(tmp_path) as campaign:
        campaign.keep(entry(run="run-1"), arrive(campaign, "run-1"))
        arrive(campaign, "run-2")  # and is never kept

    with open_again(tmp_path) as campaign:
        assert [each.run for each in campaign.entries] == ["run-1"]
        assert [each.key for each in POINTS if campaign.finished(each)] == [POINTS[0].key]
        assert (campaign.runs / "run-1" / "manifest.json").exists()
        assert not any(campaign.incoming.iterdir())


def test_a_run_that_was_journaled_and_not_yet_moved_is_moved(tmp_path: Path) -> None:
    with open_again(tmp_path) as campaign:
        arrive(campaign, "run-1")
        campaign._journal.add(entry(run="run-1"))  # killed here

    with open_again(tmp_path) as campaign:
        assert (campaign.runs / "run-1" / "manifest.json").exists()
        assert campaign.finished(POINTS[0])


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with (
        open_again(tmp_path),
        pytest.raises(UsageError, match="is in use: another mptcp-lab campaign runs there"),
        open_again(tmp_path),
    ):
        pass
    with open_again(tmp_path):
        pass


@pytest.mark.parametrize("cut", [1, 20])
def test_half_a_line_at_the_end_is_nothing(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "journal.jsonl"
    first, second = entry(POINTS[0]).as_line(), entry(POINTS[1], reason="x" * 500).as_line()
    file.write_bytes(first + second[:-cut])

    journal = Journal(file)
    assert [each.point for each in journal.entries] == [POINTS[0]]
    journal.add(entry(POINTS[2]))
    journal.close()

    assert file.read_bytes() == first + entry(POINTS[2]).as_line()


def test_a_damaged_line_in_the_middle_is_told(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(b'{"point": 1}\n' + entry().as_line())

    with pytest.raises(UsageError, match=r"journal.jsonl:1: this line is damaged .* remove the"):
        Journal(file)


def test_a_line_that_does_not_fit_on_the_disk_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    journal = Journal(file)
    journal.add(entry(POINTS[0]))
    size = file.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.add(entry(POINTS[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert file.stat().st_size == size
    journal.add(entry(POINTS[2]))
    journal.close()
    again = Journal(file)
    assert [each.point for each in again.entries] == [POINTS[0], POINTS[2]]
    again.close()


def test_invalid_runs_are_tried_again_as_often_as_the_plan_says() -> None:
    invalid, lost = entry(verdict=Verdict.INVALID), entry(verdict=Verdict.INCOMPLETE)

    assert not finished([], retries=0)
    assert finished([invalid], retries=0)
    assert not finished([invalid, invalid], retries=2)
    assert finished([invalid, invalid, invalid], retries=2)
    assert finished([entry(verdict=Verdict.FAILED)], retries=2)
    assert not finished([lost] * (MOST_LOST - 1), retries=0)
    assert finished([lost] * MOST_LOST, retries=9)


def test_another_plan_or_project_is_refused_and_more_repetitions_are_not(tmp_path: Path) -> None:
    with open_again(tmp_path) as campaign:
        campaign.keep(entry(), None)
        word = campaign.word

    with pytest.raises(UsageError, match="is of another plan: seed differ"):
        open_again(tmp_path, PLAN.model_copy(update={"seed": 2})).__enter__()
    other = PROJECT | {"files": {"test_a.py": "3"}}
    with pytest.raises(UsageError, match=r"test_a\.py is another one"):
        open_again(tmp_path, project=other).__enter__()
    with open_again(tmp_path, PLAN.model_copy(update={"repetitions": 5})) as campaign:
        assert (len(campaign.points), len(campaign.entries), campaign.word) == (5, 1, word)


def test_a_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()

    with pytest.raises(UsageError, match="has other files in it"):
        open_again(tmp_path).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_projects_are_told_apart_by_commit_lab_and_files(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("1", encoding="utf-8")
    here = identity(tmp_path, ["test_a.py", "conftest.py"])

    assert here["files"]["conftest.py"] is None
    assert differences(here, here) == []
    (tmp_path / "test_a.py").write_text("2", encoding="utf-8")
    there = identity(tmp_path, ["test_a.py", "conftest.py"])
    assert differences(here, there) == ["test_a.py is another one"]
    assert differences(PROJECT, PROJECT | {"commit": "1" * 40, "lab": "2", "files": {}}) == [
        "commit 000000000000 is checked out, not 111111111111",
        "the packages lab and mptcpapi are not the same",
        "test_a.py is another one",
    ]
