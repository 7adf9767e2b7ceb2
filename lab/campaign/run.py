"""A campaign from its plan to its table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from lab.campaign.checking import Checked, check
from lab.campaign.directory import Campaign, opened
from lab.campaign.ending import Row, rows
from lab.campaign.identity import identity, rests_on
from lab.campaign.points import Point, in_order
from lab.campaign.progress import shown
from lab.campaign.standing import Standing
from lab.load import find
from lab.places import require_visible


class Prepared(NamedTuple):
    """A plan that fits its project."""

    checked: Checked
    root: Path
    points: list[Point]
    """in their order"""
    slots: int
    """of this machine"""


class Ended(NamedTuple):
    """What came of it."""

    rows: list[Row]
    standing: Standing
    complete: bool


def prepare(file: Path, slots: int | None) -> Prepared:
    """Read and check a plan in the project where one works.

    :raises MistakenFile: it has mistakes; all of them are listed.
    """
    root = Path.cwd()
    checked = check(file, root)
    points = in_order(checked.plan, [each.id for each in checked.scenarios])
    cores = len(os.sched_getaffinity(0))
    return Prepared(checked, root, points, slots or checked.plan.slots or cores)


def execute(prepared: Prepared, directory: Path, scheduler: str | None) -> Ended:
    """Run what remains of a campaign.

    :raises UsageError: it cannot go on.
    :raises OSError: a run cannot be kept.
    """
    from lab.campaign.execution import Execution  # noqa: PLC0415 - Dask takes most of a second

    require_visible(directory)
    plan, scenarios = prepared.checked
    project = identity(prepared.root, _files(prepared))
    alone = {each.id for each in scenarios if each.timing}
    with opened(directory, plan, prepared.points, project) as campaign:
        if all(map(campaign.finished, campaign.points)):
            return _ended(campaign, prepared.slots)
        with (
            _workers(prepared, campaign, scheduler) as workers,
            shown(campaign.standing(prepared.slots)) as progress,
        ):
            Execution(campaign, workers, alone, project, progress).run()
        return _ended(campaign, prepared.slots)


def _ended(campaign: Campaign, slots: int) -> Ended:
    complete = all(map(campaign.finished, campaign.points))
    return Ended(rows(campaign), campaign.standing(slots), complete)


def _files(prepared: Prepared) -> list[str]:
    scenarios = prepared.checked.scenarios
    topologies = [find(each.topology, prepared.root) for each in scenarios if each.topology]
    return rests_on(prepared.root, {each.file for each in scenarios}, topologies)


@contextmanager
def _workers(prepared: Prepared, campaign: Campaign, scheduler: str | None) -> Iterator[Any]:
    from lab.campaign import cluster  # noqa: PLC0415 - see above

    if scheduler is None:
        with cluster.local(prepared.slots, campaign.directory / "scratch") as workers:
            yield workers
    else:
        with cluster.remote(scheduler) as workers:
            yield workers
