"""The directory of a campaign, held by one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.campaign.identity import differences
from lab.campaign.journal import Entry, Journal, finished
from lab.campaign.plan import FORMAT, Plan
from lab.campaign.points import Point
from lab.campaign.standing import Standing, standing
from lab.errors import UsageError
from lab.files import read, replace
from lab.run import now

FREE = ("question", "figures", "repetitions", "retries", "slots", "deadline")
"""Keys of a plan that may change while a campaign is not finished: other points do not suffer."""


class Campaign:
    """A campaign's directory, with what was done already."""

    def __init__(
        self, directory: Path, plan: Plan, points: Sequence[Point], journal: Journal, word: str
    ) -> None:
        self.directory, self.plan, self.points = directory, plan, points
        self.word = word
        """What tells it from all other campaigns."""
        self._journal = journal
        self.attempts: defaultdict[str, list[Entry]] = defaultdict(list)
        """By the keys of points."""
        for entry in journal.entries:
            self.attempts[entry.point.key].append(entry)

    @property
    def incoming(self) -> Path:
        """Where runs arrive."""
        return self.directory / "incoming"

    @property
    def runs(self) -> Path:
        """Where they are kept."""
        return self.directory / "runs"

    @property
    def entries(self) -> list[Entry]:
        """Every attempt that has ended, in the order of their ends."""
        return self._journal.entries

    def finished(self, point: Point) -> bool:
        """Whether nothing is to be run of a point any more."""
        return finished(self.attempts[point.key], self.plan.retries)

    def standing(self, slots: int) -> Standing:
        """How far it is, with so many attempts at the same time."""
        return standing(self.points, self.attempts, self.plan.retries, slots)

    def keep(self, entry: Entry, arrived: Path | None) -> None:
        """Keep an attempt, and its run, which arrived below :attr:`incoming`.

        :raises OSError: the disk is full, or the like; the attempt then did not happen.
        """
        self._journal.add(entry)
        self.attempts[entry.point.key].append(entry)
        if arrived is not None:
            arrived.rename(self.runs / arrived.name)


@contextmanager
def opened(
    directory: Path, plan: Plan, points: Sequence[Point], project: Mapping[str, Any]
) -> Iterator[Campaign]:
    """Begin a campaign, or go on with it.

    :raises UsageError: another process has it, it is of another plan or project, or is damaged.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _held(directory):
        word = _introduced(directory, plan, points, project)
        journal = Journal(directory / "journal.jsonl")
        try:
            campaign = Campaign(directory, plan, points, journal, word)
            _tidy(campaign)
            yield campaign
        finally:
            journal.close()


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Keep other campaigns out; the kernel lets go of it, however this process ends."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            f"{directory} is in use: another mptcp-lab campaign runs there. Wait for it, or choose "
            "another place with --directory"
        ) from None
    else:
        yield
    finally:
        os.close(descriptor)


def _introduced(
    directory: Path, plan: Plan, points: Sequence[Point], project: Mapping[str, Any]
) -> str:
    """Write what the campaign is, or see that it is the one that was begun; give back its word."""
    path = directory / "campaign.json"
    begun = _begun(path)
    if begun is None and any(directory.iterdir()):
        raise UsageError(f"{directory} has other files in it: choose another place")
    if begun is not None:
        _require_same(directory, begun, plan, project)
    text = {
        "format": FORMAT,
        "name": plan.name,
        "question": plan.question,
        "seed": plan.seed,
        "plan": plan.model_dump(mode="json"),
        "project": project,
        "word": begun["word"] if begun else secrets.token_hex(8),
        "begun": begun["begun"] if begun else now(),
        "order": [point.as_dict() for point in points],
    }
    replace(path, f"{json.dumps(text, indent=2)}\n".encode(), durable=True)
    return str(text["word"])


def _begun(path: Path) -> dict[str, Any] | None:
    """What ``campaign.json`` says, if there is one."""
    try:
        begun = json.loads(read(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise UsageError(f"{path} cannot be read: {problem}") from problem
    if not isinstance(begun, dict) or begun.get("format") != FORMAT:
        raise UsageError(f"{path} is of a format that is not known here (known: {FORMAT})")
    return begun


def _require_same(
    directory: Path, begun: Mapping[str, Any], plan: Plan, project: Mapping[str, Any]
) -> None:
    fresh = plan.model_dump(mode="json")
    other = [key for key in fresh if key not in FREE and fresh[key] != begun["plan"].get(key)]
    if other:
        raise UsageError(
            f"{directory} is of another plan: {', '.join(other)} differ. Only "
            f"{', '.join(FREE)} can change; for another plan choose another place with --directory"
        )
    commits = {"commit": None}  # of two commits in which these files are the same, both will do
    found = differences({**project, **commits}, {**begun["project"], **commits})
    if found:
        raise UsageError(
            f"{directory} was begun with another project: {'; '.join(found)}. Its runs would not "
            f"be comparable: check out {begun['project']['commit']} again, or begin anew with "
            "--directory"
        )


def _tidy(campaign: Campaign) -> None:
    """Put in place what was journaled and had arrived; remove what was not."""
    for directory in (campaign.runs, campaign.incoming):
        directory.mkdir(exist_ok=True)
    for entry in campaign.entries:
        arrived = campaign.incoming / (entry.run or "-")
        if entry.run and arrived.exists():
            arrived.rename(campaign.runs / entry.run)
    shutil.rmtree(campaign.incoming)
    campaign.incoming.mkdir()
