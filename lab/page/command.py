"""What ``mptcp-lab report`` does."""

from __future__ import annotations

from pathlib import Path

from lab import result
from lab.errors import LabError, UsageError
from lab.page import campaign as campaign_page
from lab.page import run as run_page
from lab.page.campaign_reading import PLAN

PAGE = "report.html"
"""The name of a page in the directory that it is about."""


def write(run: Path | None, output: Path | None) -> Path:
    """Write the page of a run or a campaign, in one step; return where it is.

    :raises UsageError: there is no such run, or the page cannot be written.
    """
    directory = result.find_run(run)
    if (directory / PLAN).exists():
        path = output or directory / PAGE
        save(path, campaign_page.page(directory, path))
        return path
    if not directory.is_dir():
        raise UsageError(f"{directory}: no directory of a run")
    path = output or directory / PAGE
    save(path, page_of(directory))
    return path


def page_of(directory: Path) -> str:
    """The page of what a directory holds, as far as it can be read.

    :raises UsageError: it holds nothing of a run.
    """
    try:
        return run_page.page(result.open(directory))
    except LabError as problem:
        if not (directory / "manifest.json").exists():
            raise
        return run_page.page(result.Result(directory, {}), str(problem))


def save(path: Path, text: str) -> None:
    """Write a page in one step, so that nobody ever sees half of it.

    :raises UsageError: it cannot be written.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8", errors="backslashreplace")
        fresh.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
